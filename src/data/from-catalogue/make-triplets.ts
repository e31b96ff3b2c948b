/** Triplets of a catalogue: items to splits, pairs within each category, captions for every pair. */
import { setImmediate } from "node:timers/promises";
import type { Random } from "../../engine/tensor/random.js";
import { splitNames } from "../triplet.js";
import { otherWordings } from "../wordings.js";
import type { CaptionTemplates } from "./caption-templates.js";
import { CaptionWriter, type Change } from "./change-captions.js";
import { changedSets, designsOf } from "./changed-sets.js";
import type { ItemTable } from "./item-table.js";
import { drawPairs, type ItemPair, type PairSupply, pairSupply } from "./make-pairs.js";
import { type SplitItems, type SplitShares, splitItems } from "./split-items.js";
import { type MadeTriplet, statisticsOf, type TripletStatistics } from "./triplet-statistics.js";

export interface MakeTripletsOptions {
  readonly templates: CaptionTemplates;
  /** Triplets of all splits together; two an item by default. Fewer are made where there are no more. */
  readonly pairs?: number | undefined;
  /** Most attributes that differ in a pair. */
  readonly maxChanges: number;
  readonly shares: SplitShares;
  readonly random: Random;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface TripletSet {
  readonly splits: SplitItems;
  readonly triplets: readonly MadeTriplet[];
  /** [N]: equal for items of one category that are alike in every attribute. */
  readonly alike: Int32Array;
  readonly statistics: TripletStatistics;
}

/** One category of one split and what could be drawn from it. */
interface Part {
  readonly split: (typeof splitNames)[number];
  readonly category: string;
  readonly rows: readonly number[];
  readonly supply: PairSupply;
}

/** Makes the triplets. The same table, options and stream give the same triplets. */
export async function makeTriplets(table: ItemTable, options: MakeTripletsOptions): Promise<TripletSet> {
  const { templates, maxChanges, shares, random, signal, onProgress } = options;
  const splits = splitItems(table.items, shares, random.fork("splits"));
  const attributeCount = table.attributes.length;
  const groups = splitNames.flatMap((split) =>
    [...splits[split]]
      .filter(([, rows]) => rows.length > 0)
      .map(([category, rows]) => ({ split, category, rows })),
  );
  const setCount = changedSets(attributeCount, Math.min(maxChanges, attributeCount)).length;
  let done = 0;
  const onSet = async () => {
    done += 1;
    onProgress?.(done, 2 * groups.length * setCount);
    if (done % 8 === 0) await setImmediate(); // lets an interruption through
    signal?.throwIfAborted();
  };

  const parts: Part[] = [];
  for (const group of groups) {
    const designs = designsOf(group.rows, table.codes, attributeCount);
    parts.push({ ...group, supply: await pairSupply(designs, maxChanges, onSet) });
  }
  const writer = new CaptionWriter(templates);
  const wanted = options.pairs ?? 2 * table.items.length;
  const triplets: MadeTriplet[] = [];
  for (const split of splitNames) {
    const own = parts.filter((part) => part.split === split);
    const quotas = shareOut(
      Math.round(wanted * shares[split]),
      own.map(({ rows, supply }) => ({ weight: rows.length, capacity: supply.total })),
    );
    for (const [i, { category, supply }] of own.entries()) {
      const stream = random.fork(`${split} ${category}`);
      const pairs = await drawPairs(supply, quotas[i] ?? 0, stream, onSet);
      for (const pair of worded(pairs, { table, writer, split, random: stream })) {
        triplets.push({ ...pair, split, category });
      }
    }
  }
  const drawn = parts.map(({ split, category, rows, supply: { designs, hasPartner, total } }) => ({
    split,
    category,
    rows,
    possible: total,
    partnered: new Set(designs.items.filter((_, design) => hasPartner[design] === 1).flat()),
  }));
  return { splits, triplets, alike: alikeOf(table), statistics: statisticsOf(table, triplets, drawn) };
}

/** Pairs with captions. Other wordings, of what is evaluated, are drawn after all captions, which do not depend on them. */
function worded(
  pairs: readonly ItemPair[],
  {
    table,
    writer,
    split,
    random,
  }: {
    readonly table: ItemTable;
    readonly writer: CaptionWriter;
    readonly split: Part["split"];
    readonly random: Random;
  },
): readonly Omit<MadeTriplet, "split" | "category">[] {
  const write = (pair: ItemPair) => writer.captions(changesOf(table, pair), random);
  const made = pairs.map((pair) => ({ ...pair, captions: write(pair) }));
  if (split === "train") return made;
  return made.map((pair) => ({ ...pair, paraphrases: otherWordings(pair.captions, () => write(pair)) }));
}

/** `total` shared out by weight; what one cannot take goes to the others. */
export function shareOut(
  total: number,
  parts: readonly { readonly weight: number; readonly capacity: number }[],
): number[] {
  const shares = parts.map(() => 0);
  let left = total;
  let open = [...parts.keys()];
  while (left > 0 && open.length > 0) {
    const weight = open.reduce((sum, i) => sum + (parts[i]?.weight ?? 0), 0);
    const before = left;
    for (const i of open) {
      const part = parts[i] ?? { weight: 0, capacity: 0 };
      const fair = Math.ceil((before * part.weight) / Math.max(1, weight));
      const taken = Math.min(fair, left, part.capacity - (shares[i] ?? 0));
      shares[i] = (shares[i] ?? 0) + taken;
      left -= taken;
    }
    open = open.filter((i) => (shares[i] ?? 0) < (parts[i]?.capacity ?? 0));
    if (left === before) break;
  }
  return shares;
}

/** What a triplet changes, in the words of the catalogue. */
export function changesOf(
  { attributes, codes, values }: ItemTable,
  { reference, target, changed }: Pick<MadeTriplet, "reference" | "target" | "changed">,
): readonly Change[] {
  const textOf = (row: number, a: number) => values[a]?.[codes[row * attributes.length + a] ?? 0] ?? "";
  return changed.map((a) => ({
    attribute: attributes[a] ?? "",
    from: textOf(reference, a),
    to: textOf(target, a),
  }));
}

/** A number for each category and set of values. */
function alikeOf({ items, codes, attributes }: ItemTable): Int32Array {
  const numbers = new Map<string, number>();
  return Int32Array.from(items, ({ category }, row) => {
    const values = codes.subarray(row * attributes.length, (row + 1) * attributes.length).join();
    const key = `${values} ${category}`;
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    return number;
  });
}
