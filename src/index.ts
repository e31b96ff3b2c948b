/** The public surface of the package: re-exports only. */

export { type OpenBundleOptions, openBundle } from "./bundle/open-bundle.js";
export type { EncodedQuery, Encoder, EncoderQuery, Picture, WordAttention } from "./embedding/encoder.js";
export { Random } from "./engine/tensor/random.js";
export * from "./errors.js";
export { CatalogueIndex, type IndexedItem } from "./search/index/catalogue-index.js";
export * from "./search/index/catalogue-search.js";
export type { CatalogueEntry } from "./search/index/entry.js";
export { type IndexReport, indexCatalogue } from "./search/index/index-catalogue.js";
export type { Page } from "./search/index/page.js";
export type { Filter } from "./search/store/filter.js";
export type { StoreSettings } from "./search/store/store-kind.js";
export type * from "./service/api.js";
export { type Service, type ServiceOptions, startService } from "./service/start-service.js";
