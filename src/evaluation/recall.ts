/** Ranks of targets in a gallery, and Recall@K. */

import { countAtLeast, dotProduct, requireEmbeddings } from "../embedding/dot-products.js";
import { DivergenceError, ShapeError } from "../errors.js";

/** What is ranked against what. Rows are embeddings, by convention of length 1. */
export interface RankingTask {
  /** [Q, D] */
  readonly queries: Float32Array;
  /** [G, D] */
  readonly gallery: Float32Array;
  /** D */
  readonly embedDim: number;
  /** Rows of the gallery that answer each query; the best of them counts. */
  readonly hits: readonly (readonly number[])[];
  /** Rows of the gallery left out for each query; nothing by default. */
  readonly masked?: readonly (readonly number[])[];
  /** [Q, G], for a model that scores pairs: these decide instead of dot products. */
  readonly scores?: Float32Array | undefined;
}

/** Rank of a query none of whose hits is in the ranking. */
export const unranked = Number.POSITIVE_INFINITY;

/**
 * Rank of each query's best hit, from 1:
 *
 *   rank = 1 + number of other rows, neither hits nor masked, with score >= the hit's
 *
 * where score = query · row, or what `scores` says. **Ties count against the model**, so equal embeddings gain nothing.
 * A query whose every hit is masked, or that has none, is `unranked`.
 * @throws ShapeError when sizes do not fit; DivergenceError when an embedding is not finite.
 */
export function targetRanks(task: RankingTask): number[] {
  const { queries, gallery, embedDim, hits, masked = [], scores } = task;
  const queryCount = requireEmbeddings("queries", queries, embedDim);
  const galleryCount = requireEmbeddings("gallery", gallery, embedDim);
  if (hits.length !== queryCount) {
    throw new ShapeError("targetRanks", "needs hits for every query", {
      hits: hits.length,
      queries: queryCount,
    });
  }
  for (const row of [...hits, ...masked].flat()) {
    if (!(row >= 0 && row < galleryCount)) {
      throw new ShapeError("targetRanks", `rows must be below ${galleryCount}`, { row });
    }
  }
  if (scores && scores.length !== queryCount * galleryCount) {
    throw new ShapeError("targetRanks", "needs a score for every pair", {
      scores: scores.length,
      pairs: queryCount * galleryCount,
    });
  }
  const score = scorerOf(task);

  const thresholds = new Float64Array(queryCount).fill(Number.POSITIVE_INFINITY);
  for (const [query, rows] of hits.entries()) {
    const open = rows.filter((row) => !masked[query]?.includes(row));
    if (open.length > 0) thresholds[query] = Math.max(...open.map((row) => score(query, row)));
  }
  const counts = scores ? countScores(scores, thresholds) : countAtLeast(queries, gallery, thresholds);
  return hits.map((rows, query) => {
    const threshold = thresholds[query] ?? Number.POSITIVE_INFINITY;
    if (threshold === Number.POSITIVE_INFINITY) return unranked;
    const left = [...new Set([...rows, ...(masked[query] ?? [])])];
    return 1 + (counts[query] ?? 0) - left.filter((row) => score(query, row) >= threshold).length;
  });
}

/** Score of a query with a row of the gallery, both by their places. */
export function scorerOf({
  queries,
  gallery,
  embedDim,
  scores,
}: Pick<RankingTask, "queries" | "gallery" | "embedDim" | "scores">): (query: number, row: number) => number {
  const galleryCount = gallery.length / embedDim;
  if (scores) return (query, row) => scores[query * galleryCount + row] ?? Number.NaN;
  return (query, row) =>
    dotProduct(queries.subarray(query * embedDim, (query + 1) * embedDim), gallery, row * embedDim);
}

/** For each query, how many rows have a score of its threshold or more. @throws DivergenceError for one that is no number. */
function countScores(scores: Float32Array, thresholds: Float64Array): Int32Array {
  const counts = new Int32Array(thresholds.length);
  const galleryCount = scores.length / Math.max(1, thresholds.length);
  for (const [i, score] of scores.entries()) {
    if (Number.isNaN(score)) {
      throw new DivergenceError(
        "scores: a pair's score is not a number; the model's parameters are damaged: use an earlier checkpoint",
      );
    }
    const query = Math.floor(i / galleryCount);
    if (score >= (thresholds[query] as number)) counts[query] = (counts[query] as number) + 1;
  }
  return counts;
}

/** Percent of `ranks` within the first `k`. @throws RangeError when there are none. */
export function recallAtK(ranks: readonly number[], k: number): number {
  if (ranks.length === 0) throw new RangeError("recallAtK: there are no ranks");
  return (100 * ranks.filter((rank) => rank <= k).length) / ranks.length;
}
