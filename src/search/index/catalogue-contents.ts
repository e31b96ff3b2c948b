/** What an index's items have: categories, prices, attributes and their values, for people who filter. */
import { z } from "zod";
import { isFilterable } from "../../catalogue/item-schema.js";
import type { CatalogueEntry } from "./catalogue-entry.js";

const counted = z.strictObject({ value: z.string(), items: z.int().min(1) });

export const contentsSchema = z.strictObject({
  items: z.int().min(0),
  /** Most frequent first. */
  categories: z.array(counted),
  /** Absent when no item has a price. */
  price: z.strictObject({ min: z.number(), max: z.number(), items: z.int() }).optional(),
  attributes: z.array(
    z.strictObject({
      name: z.string(),
      /** Items that have it. */
      items: z.int().min(1),
      /** Different values; `values` has the most frequent of them. */
      distinct: z.int().min(1),
      values: z.array(counted),
    }),
  ),
});

export type Contents = Readonly<z.infer<typeof contentsSchema>>;

/** Values listed for one attribute. */
const listedValues = 100;
/** Different values counted for one attribute: free text must not fill the memory. */
const countedValues = 10_000;

/** Adds up entries. */
export class ContentsCounter {
  #items = 0;
  readonly #categories = new Map<string, number>();
  readonly #attributes = new Map<string, { items: number; values: Map<string, number> }>();
  #price: { min: number; max: number; items: number } | undefined;

  add({ category, price, attributes }: CatalogueEntry): void {
    this.#items += 1;
    increase(this.#categories, category);
    if (price !== undefined) {
      const { min, max, items } = this.#price ?? { min: price, max: price, items: 0 };
      this.#price = { min: Math.min(min, price), max: Math.max(max, price), items: items + 1 };
    }
    for (const [name, all] of Object.entries(attributes)) {
      const values = all.filter(isFilterable);
      if (values.length === 0) continue;
      const attribute = this.#attributes.get(name) ?? { items: 0, values: new Map() };
      this.#attributes.set(name, attribute);
      attribute.items += 1;
      for (const value of values) {
        if (attribute.values.has(value) || attribute.values.size < countedValues) {
          increase(attribute.values, value);
        }
      }
    }
  }

  contents(): Contents {
    return {
      items: this.#items,
      categories: ranked(this.#categories),
      price: this.#price,
      attributes: [...this.#attributes].map(([name, { items, values }]) => ({
        name,
        items,
        distinct: values.size,
        values: ranked(values).slice(0, listedValues),
      })),
    };
  }
}

function increase(counts: Map<string, number>, value: string): void {
  counts.set(value, (counts.get(value) ?? 0) + 1);
}

function ranked(counts: ReadonlyMap<string, number>) {
  return [...counts]
    .map(([value, items]) => ({ value, items }))
    .sort((a, b) => b.items - a.items || (a.value < b.value ? -1 : 1));
}
