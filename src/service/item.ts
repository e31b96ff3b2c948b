/** Items and conditions as the service gives and takes them, in the words of the index. */
import type { z } from "zod";
import {
  CellProblem,
  parseCategory,
  parseId,
  parseTitle,
  parseValues,
  reservedColumns,
} from "../catalogue/catalogue-item.js";
import { RequestError } from "../errors.js";
import type { CatalogueEntry } from "../search/index/entry.js";
import type { Filter } from "../search/store/filter.js";
import type { Condition, Item, itemWriteSchema } from "./api.js";
import type { WrittenEntry } from "./catalogue-writer.js";

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

/** An item as it is written. @throws RequestError for what no catalogue may have, all of it at once. */
export function writtenEntry(id: string, item: z.output<typeof itemWriteSchema>): WrittenEntry {
  const problems: string[] = [];
  const checked = <T>(name: string, value: T | CellProblem): T | undefined => {
    if (!(value instanceof CellProblem)) return value;
    problems.push(`${name} ${value.mustBe}`);
    return undefined;
  };
  checked("id", parseId(id));
  const category = checked("category", parseCategory(item.category)) ?? "";
  const title = checked("title", parseTitle(item.title ?? ""));
  const attributes: Record<string, string[]> = {};
  for (const [name, given] of Object.entries(item.attributes)) {
    const values = checked(`attributes.${name}`, parseValues(given)) ?? [];
    if (reservedColumns.some((reserved) => reserved === name))
      problems.push(`attributes.${name} is no attribute`);
    if (/\p{Cc}/u.test(name)) problems.push("names of attributes must have no control characters");
    if (values.length > 0) attributes[name] = [...values];
  }
  if (problems.length > 0) throw new RequestError("INPUT_INVALID", `item: ${problems.join("; ")}`);
  return {
    ...{ category, attributes },
    ...(title === undefined ? {} : { title }),
    ...(item.price === undefined ? {} : { price: item.price }),
  };
}
