/** Items and conditions as the service gives and takes them, in the words of the index. */
import type { CatalogueEntry } from "../retrieval/index-folder/entry.js";
import type { Filter } from "../retrieval/store/filter.js";
import type { Condition, Item } from "./api.js";

export function itemOf({ id, category, title, price, attributes, picture }: CatalogueEntry): Item {
  return {
    ...{ id, category, attributes },
    ...(title === undefined ? {} : { title }),
    ...(price === undefined ? {} : { price }),
    pictureUrl: `/v1/items/${encodeURIComponent(id)}/picture`,
    thumbnailUrl: `/v1/thumbnails/${picture}`,
  };
}

/** All conditions must fit; undefined when there is none. */
export function filterOf(conditions: readonly Condition[]): Filter | undefined {
  if (conditions.length === 0) return undefined;
  return {
    kind: "all",
    of: conditions.map(({ not, ...condition }) => (not ? { kind: "not", filter: condition } : condition)),
  };
}
