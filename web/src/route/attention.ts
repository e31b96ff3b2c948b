/** Where words attend, as maps over the picture. */
import type { SearchResponse } from "../../../src/service/api.js";

export type Attention = NonNullable<SearchResponse["queries"][number]["attention"]>;

/** Regions row by row with values from 0 (pale) to 1 (strong), and the shares that these two stand for. */
export interface HeatMap {
  readonly regions: readonly {
    readonly region: number;
    readonly value: number;
    /** The word that the region attends to most. */
    readonly word: string;
  }[];
  readonly low: number;
  readonly high: number;
}

/**
 * One word's map; without a word, how strongly each region attends to any one word. (The mean over words would say nothing:
 * a region's attention to all words sums to 1 everywhere.)
 */
export function heatMap(attention: Attention, word: number | undefined): HeatMap {
  const { weights, rows, columns } = attention;
  const shares = Array.from({ length: rows * columns }, (_, region) =>
    word === undefined ? Math.max(...weights.map((row) => row[region] ?? 0)) : (weights[word]?.[region] ?? 0),
  );
  const [low, high] = [Math.min(...shares), Math.max(...shares)];
  return {
    regions: shares.map((share, region) => ({
      region,
      value: high > low ? (share - low) / (high - low) : 0,
      word: strongestWord(attention, region),
    })),
    low,
    high,
  };
}

function strongestWord({ weights, words }: Attention, region: number): string {
  const shares = weights.map((row) => row[region] ?? 0);
  return words[shares.indexOf(Math.max(...shares))] ?? "";
}
