/** The public surface `sdfn/search`: indexes of catalogues, searched by picture and words. Re-exports only. */

export type { CatalogueEntry } from "../search/index/catalogue-entry.js";
export {
  CatalogueIndex,
  type FoundItem,
  type IndexedItem,
  type ListedEntries,
} from "../search/index/catalogue-index.js";
export {
  type CatalogueAnswer,
  type CatalogueHit,
  type CatalogueQuery,
  CatalogueSearch,
  type CatalogueSearchRequest,
  type QueryAccount,
  type Reference,
  searchLimits,
  weightedSum,
} from "../search/index/catalogue-search.js";
export {
  type IndexCatalogueOptions,
  type IndexReport,
  indexCatalogue,
} from "../search/index/index-catalogue.js";
export type { Page } from "../search/index/page.js";
export type { Filter } from "../search/store/filter.js";
export type { StoreSettings } from "../search/store/store-kind.js";
