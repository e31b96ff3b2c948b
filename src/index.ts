/** The public surface of the package: re-exports only. */
export * from "./errors.js";
export type { EncodedQuery, Encoder, EncoderQuery, Picture, WordAttention } from "./retrieval/encoder.js";
export { CatalogueIndex, type IndexedItem } from "./retrieval/index-folder/catalogue-index.js";
export * from "./retrieval/index-folder/catalogue-search.js";
export type { CatalogueEntry } from "./retrieval/index-folder/entry.js";
export { type IndexReport, indexCatalogue } from "./retrieval/index-folder/index-catalogue.js";
export type { Page } from "./retrieval/index-folder/page.js";
export { type OpenBundleOptions, openBundle } from "./retrieval/open-bundle.js";
export type { Filter } from "./retrieval/store/filter.js";
export type * from "./service/api.js";
export { type Service, type ServiceOptions, startService } from "./service/start-service.js";
export { Random } from "./tensor/random.js";
