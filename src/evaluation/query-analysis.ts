/** Where queries fail: how ranks are spread, and which words go with misses. */
import { tokenise } from "../text/vocabulary.js";
import type { QueryRank } from "./query-ranks.js";
import { recallAtK } from "./recall.js";

/** Queries whose target has a rank from `from` to `to`. */
export interface RankBucket {
  readonly from: number;
  /** Infinity for the last bucket. */
  readonly to: number;
  readonly count: number;
}

/** Upper ends of the buckets; those of Recall@1, @10 and @50 are among them. */
const bucketEnds = [1, 5, 10, 20, 50, 100, 200, 500];

/** Ranks by size; unanswerable queries are in the last bucket. Empty buckets stay, so that pages can be compared. */
export function rankHistogram(ranks: readonly number[]): readonly RankBucket[] {
  const ends = [...bucketEnds, Number.POSITIVE_INFINITY];
  return ends.map((to, i) => {
    const from = (ends[i - 1] ?? 0) + 1;
    return { from, to, count: ranks.filter((rank) => rank >= from && rank <= to).length };
  });
}

/** The queries whose text has a word. */
export interface WordRecall {
  readonly word: string;
  readonly queries: number;
  /** Percent. */
  readonly r10: number;
}

/**
 * Recall@10 of the queries with each word, lowest first, then the more frequent word first. A word is counted once a
 * query; punctuation and words of fewer than `minQueries` queries are left out.
 */
export function recallByWord(
  queries: readonly QueryRank[],
  { minQueries }: { readonly minQueries: number },
): readonly WordRecall[] {
  const ranksOf = new Map<string, number[]>();
  for (const { text, rank } of queries) {
    for (const word of new Set(tokenise(text))) {
      const ranks = ranksOf.get(word);
      if (ranks) ranks.push(rank);
      else ranksOf.set(word, [rank]);
    }
  }
  return [...ranksOf]
    .filter(([word, ranks]) => ranks.length >= minQueries && /[\p{L}\p{N}]/u.test(word))
    .map(([word, ranks]) => ({ word, queries: ranks.length, r10: recallAtK(ranks, 10) }))
    .sort((a, b) => a.r10 - b.r10 || b.queries - a.queries || (a.word < b.word ? -1 : 1));
}

/** Recall@10 by the number of words of a text. */
export interface LengthRecall {
  readonly from: number;
  readonly to: number;
  readonly queries: number;
  readonly r10: number;
}

/** Texts in at most `groups` groups of about equal size, shortest first; texts of equal length stay together. */
export function recallByLength(queries: readonly QueryRank[], groups = 4): readonly LengthRecall[] {
  const lengths = queries
    .map(({ text, rank }) => ({ length: tokenise(text).length, rank }))
    .sort((a, b) => a.length - b.length);
  const result: LengthRecall[] = [];
  for (let start = 0; start < lengths.length; ) {
    const size = Math.ceil(lengths.length / groups);
    let end = Math.min(lengths.length, start + size);
    while (end < lengths.length && lengths[end]?.length === lengths[end - 1]?.length) end += 1;
    if (lengths.length - end < size / 2) end = lengths.length; // too few for a group of their own
    const group = lengths.slice(start, end);
    result.push({
      from: group[0]?.length ?? 0,
      to: group.at(-1)?.length ?? 0,
      queries: group.length,
      r10: recallAtK(
        group.map(({ rank }) => rank),
        10,
      ),
    });
    start = end;
  }
  return result;
}
