/** The nearest rows of a gallery to one query. */
import { dotProduct, requireEmbeddings } from "./dot-products.js";

/** A row of the gallery and its score. */
export interface Neighbour {
  readonly row: number;
  /** query · row: the cosine, for embeddings of length 1. */
  readonly score: number;
}

/**
 * The `k` rows of `gallery` [G, D] with the highest scores, best first, equal scores by row; fewer
 * when the gallery is smaller. query [D].
 * @param masked rows left out, as the query's own reference image.
 * @throws ShapeError when sizes do not fit; DivergenceError when an embedding is not finite.
 */
export function topK(
  query: Float32Array,
  gallery: Float32Array,
  { k, masked = [] }: { readonly k: number; readonly masked?: readonly number[] },
): Neighbour[] {
  requireEmbeddings("query", query, query.length);
  const galleryCount = requireEmbeddings("gallery", gallery, query.length);
  const hidden = new Set(masked);
  const scores = Float64Array.from({ length: galleryCount }, (_, row) =>
    dotProduct(query, gallery, row * query.length),
  );
  const neighbours: Neighbour[] = [];
  for (const [row, score] of scores.entries()) {
    if (!hidden.has(row)) neighbours.push({ row, score });
  }
  return neighbours.sort((a, b) => b.score - a.score || a.row - b.row).slice(0, k);
}
