/** What `sdfn triplets` made, in numbers. */
import { type SplitName, splitNames } from "../triplet.js";
import { type ItemTable, unknownCode } from "./item-table.js";

/** A triplet with the rows of its items and the attributes that change. */
export interface MadeTriplet {
  readonly split: SplitName;
  readonly category: string;
  /** Rows of the item table. */
  readonly reference: number;
  readonly target: number;
  /** Attributes by index. */
  readonly changed: readonly number[];
  readonly captions: readonly [string, string];
  /** The same change in other words: of val and test, which are evaluated. */
  readonly paraphrases?: readonly (readonly [string, string])[] | undefined;
}

/** Items, triplets, and pairs that could have been drawn. */
export interface PartCounts {
  readonly items: number;
  readonly triplets: number;
  readonly possible: number;
}

/** Why items are in no triplet. */
export interface UnusedItems {
  /** An earlier row has the same picture. */
  readonly repeatedPicture: number;
  /** No chosen attribute has a value. */
  readonly nothingKnown: number;
  /** No item of the same category and split differs in as few attributes. */
  readonly noPartner: number;
  /** Had partners, but other pairs were drawn. */
  readonly notDrawn: number;
}

export interface ValueCounts {
  readonly items: number;
  /** Triplets that change the attribute to this value. */
  readonly wanted: number;
}

export interface TripletStatistics {
  /** Rows of the catalogue. */
  readonly rows: number;
  readonly triplets: number;
  readonly splits: Readonly<
    Record<SplitName, PartCounts & { readonly categories: Readonly<Record<string, PartCounts>> }>
  >;
  /** Triplets by number of attributes that change. */
  readonly changes: Readonly<Record<string, number>>;
  /** By attribute: triplets that change it, items without a value, and its values, most wanted first. */
  readonly attributes: Readonly<
    Record<
      string,
      {
        readonly triplets: number;
        readonly unknown: number;
        readonly values: Readonly<Record<string, ValueCounts>>;
      }
    >
  >;
  readonly unused: UnusedItems;
}

/** One category of one split, as it was drawn from. */
export interface DrawnPart {
  readonly split: SplitName;
  readonly category: string;
  /** Rows of the item table. */
  readonly rows: readonly number[];
  readonly possible: number;
  /** Rows that could be part of a pair. */
  readonly partnered: ReadonlySet<number>;
}

/** Counts everything. Items of a split with share 0 are in no part. */
export function statisticsOf(
  table: ItemTable,
  triplets: readonly MadeTriplet[],
  parts: readonly DrawnPart[],
): TripletStatistics {
  const perPart = new Map<string, number>();
  const changes = new Map<string, number>();
  const used = new Set<number>();
  for (const { split, category, reference, target, changed } of triplets) {
    bump(perPart, `${split}/${category}`);
    bump(changes, String(changed.length));
    used.add(reference).add(target);
  }
  const partCounts = parts.map(({ split, category, rows, possible }) => ({
    split,
    category,
    counts: { items: rows.length, triplets: perPart.get(`${split}/${category}`) ?? 0, possible },
  }));
  const partnered = new Set(parts.flatMap((part) => [...part.partnered]));
  return {
    rows: table.items.length + table.repeatedPictures,
    triplets: triplets.length,
    splits: record(splitNames, (split) => {
      const own = partCounts.filter((part) => part.split === split);
      const sum = (field: keyof PartCounts) => own.reduce((total, { counts }) => total + counts[field], 0);
      return {
        items: sum("items"),
        triplets: sum("triplets"),
        possible: sum("possible"),
        categories: Object.fromEntries(own.map(({ category, counts }) => [category, counts])),
      };
    }),
    changes: Object.fromEntries([...changes].sort()),
    attributes: Object.fromEntries(
      table.attributes.map((name, a) => [name, attributeCounts(table, triplets, a)]),
    ),
    unused: unusedItems(table, used, partnered),
  };
}

function attributeCounts(
  { codes, values, attributes }: ItemTable,
  triplets: readonly MadeTriplet[],
  a: number,
): TripletStatistics["attributes"][string] {
  const items = new Map<number, number>();
  for (let at = a; at < codes.length; at += attributes.length) bump(items, codes[at] ?? 0);
  const wanted = new Map<number, number>();
  let count = 0;
  for (const { target, changed } of triplets) {
    if (!changed.includes(a)) continue;
    count += 1;
    bump(wanted, codes[target * attributes.length + a] ?? 0);
  }
  const known = [...items.keys()].filter((code) => code !== unknownCode);
  known.sort((x, y) => (wanted.get(y) ?? 0) - (wanted.get(x) ?? 0) || x - y);
  return {
    triplets: count,
    unknown: items.get(unknownCode) ?? 0,
    values: Object.fromEntries(
      known.map((code) => [
        values[a]?.[code] ?? "",
        { items: items.get(code) ?? 0, wanted: wanted.get(code) ?? 0 },
      ]),
    ),
  };
}

function unusedItems(
  { items, codes, attributes, repeatedPictures }: ItemTable,
  used: ReadonlySet<number>,
  partnered: ReadonlySet<number>,
): UnusedItems {
  const counts = { repeatedPicture: repeatedPictures, nothingKnown: 0, noPartner: 0, notDrawn: 0 };
  for (const row of items.keys()) {
    if (used.has(row)) continue;
    const own = codes.subarray(row * attributes.length, (row + 1) * attributes.length);
    if (own.every((code) => code === unknownCode)) counts.nothingKnown += 1;
    else if (partnered.has(row)) counts.notDrawn += 1;
    else counts.noPartner += 1;
  }
  return counts;
}

function bump<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function record<K extends string, V>(keys: readonly K[], make: (key: K) => V): Record<K, V> {
  return Object.fromEntries(keys.map((key) => [key, make(key)])) as Record<K, V>;
}
