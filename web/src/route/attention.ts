/** Where words attend, as maps over the picture. */
import type { SearchResponse } from "../../../src/service/api.js";

export type Attention = NonNullable<SearchResponse["queries"][number]["attention"]>;

/** One value a region, row by row, 0 (pale) to 1 (strong), and the shares that these two stand for. */
export interface HeatMap {
  readonly values: readonly number[];
  readonly low: number;
  readonly high: number;
}

/**
 * One word's map; without a word, how strongly each region attends to any one word. (The mean over words would say nothing:
 * a region's attention to all words sums to 1 everywhere.)
 */
export function heatMap({ weights, rows, columns }: Attention, word: number | undefined): HeatMap {
  const shares = Array.from({ length: rows * columns }, (_, region) =>
    word === undefined
      ? Math.max(...weights.map((row) => row[region] ?? 0))
      : (weights[word]?.[region] ?? 0),
  );
  const [low, high] = [Math.min(...shares), Math.max(...shares)];
  return { values: shares.map((share) => (high > low ? (share - low) / (high - low) : 0)), low, high };
}

/** The word that a region attends to most. */
export function strongestWord({ weights, words }: Attention, region: number): string {
  const shares = weights.map((row) => row[region] ?? 0);
  return words[shares.indexOf(Math.max(...shares))] ?? "";
}
