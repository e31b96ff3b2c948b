/** Shares the items of a catalogue out to train, val and test. */
import type { Random } from "../../engine/tensor/random.js";
import { type SplitName, splitNames } from "../triplet.js";
import type { TableItem } from "./item-table.js";

/** Shares of train, val and test; they sum to 1. */
export type SplitShares = Readonly<Record<SplitName, number>>;

/** Items by split and category: rows of the table, in random order. */
export type SplitItems = Readonly<Record<SplitName, ReadonlyMap<string, readonly number[]>>>;

/** Every item goes to one split, drawn category by category so that each has its share of every category. */
export function splitItems(items: readonly TableItem[], shares: SplitShares, random: Random): SplitItems {
  const rows = new Map<string, number[]>();
  for (const [row, { category }] of items.entries()) {
    const list = rows.get(category);
    if (list) list.push(row);
    else rows.set(category, [row]);
  }
  const splits: Record<SplitName, Map<string, number[]>> = {
    train: new Map(),
    val: new Map(),
    test: new Map(),
  };
  for (const category of [...rows.keys()].sort()) {
    const shuffled = random.fork(category).shuffled(rows.get(category) ?? []);
    let start = 0;
    let share = 0;
    for (const name of splitNames) {
      share += shares[name];
      const end = Math.round(share * shuffled.length);
      splits[name].set(category, shuffled.slice(start, end));
      start = end;
    }
  }
  return splits;
}
