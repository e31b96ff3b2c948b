/** Ranks of targets in a gallery, and Recall@K. */

import { countAtLeast, dotProduct, requireEmbeddings } from "../embedding/dot-products.js";
import { ShapeError } from "../errors.js";

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
}

/** Rank of a query none of whose hits is in the ranking. */
export const unranked = Number.POSITIVE_INFINITY;

/**
 * Rank of each query's best hit, from 1:
 *
 *   rank = 1 + number of other rows, neither hits nor masked, with score >= the hit's
 *
 * where score = query · row. **Ties count against the model**, so equal embeddings gain nothing.
 * A query whose every hit is masked, or that has none, is `unranked`.
 * @throws ShapeError when sizes do not fit; DivergenceError when an embedding is not finite.
 */
export function targetRanks(task: RankingTask): number[] {
  const { queries, gallery, embedDim, hits, masked = [] } = task;
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
  const score = (query: number, row: number) =>
    dotProduct(queries.subarray(query * embedDim, (query + 1) * embedDim), gallery, row * embedDim);

  const thresholds = new Float64Array(queryCount).fill(Number.POSITIVE_INFINITY);
  for (const [query, rows] of hits.entries()) {
    const open = rows.filter((row) => !masked[query]?.includes(row));
    if (open.length > 0) thresholds[query] = Math.max(...open.map((row) => score(query, row)));
  }
  const counts = countAtLeast(queries, gallery, thresholds);
  return hits.map((rows, query) => {
    const threshold = thresholds[query] ?? Number.POSITIVE_INFINITY;
    if (threshold === Number.POSITIVE_INFINITY) return unranked;
    const left = [...new Set([...rows, ...(masked[query] ?? [])])];
    return 1 + (counts[query] ?? 0) - left.filter((row) => score(query, row) >= threshold).length;
  });
}

/** Percent of `ranks` within the first `k`. @throws RangeError when there are none. */
export function recallAtK(ranks: readonly number[], k: number): number {
  if (ranks.length === 0) throw new RangeError("recallAtK: there are no ranks");
  return (100 * ranks.filter((rank) => rank <= k).length) / ranks.length;
}
