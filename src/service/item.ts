/** Items and conditions as the service gives and takes them, in the words of the index. */
import type { z } from "zod";
import { RequestError } from "../errors.js";
import type { CatalogueEntry } from "../search/index/catalogue-entry.js";
import type { Filter } from "../search/store/filter.js";
import type { Condition, Item, itemWriteSchema } from "./api.js";
import type { WrittenEntry } from "./catalogue-writer.js";

export function itemOf({ id, category, title, price, attributes, picture }: CatalogueEntry): Item {
  return {
    id,
    category,
    attributes,
    title,
    price,
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

/**
 * An item as it is written: what the rows of a table may hold, items may.
 * @throws RequestError for names of attributes that come to one.
 */
export function writtenEntry(item: z.output<typeof itemWriteSchema>, given: unknown): WrittenEntry {
  const { category, title = "", price, attributes } = item;
  requireDistinctNames(attributes, given);
  return {
    category,
    title: title === "" ? undefined : title,
    price,
    attributes: Object.fromEntries(Object.entries(attributes).filter(([, values]) => values.length > 0)),
  };
}

/** Two spellings of one name came to one attribute, and `__proto__` to none: one of their values would be lost. */
function requireDistinctNames(attributes: Readonly<Record<string, unknown>>, given: unknown): void {
  const names = Object.keys((given as { readonly attributes?: object }).attributes ?? {});
  if (names.length === Object.keys(attributes).length) return;
  throw new RequestError(
    "INPUT_INVALID",
    `item: names of attributes must be different, and none can be __proto__; got ${JSON.stringify(names)}`,
  );
}
