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
  return highest(scores, { k, isLeftOut: (row) => hidden.has(row) });
}

/**
 * The `k` highest of `scores` [G], best first, equal scores by row. Keeps a heap of k rows, so that a million scores
 * take milliseconds.
 */
export function highest(
  scores: Float32Array | Float64Array,
  { k, isLeftOut = () => false }: { readonly k: number; readonly isLeftOut?: (row: number) => boolean },
): Neighbour[] {
  const kept: Neighbour[] = []; // the worst is kept[0]
  const isWorse = (a: Neighbour | undefined, b: Neighbour | undefined): boolean =>
    a !== undefined && b !== undefined && (a.score < b.score || (a.score === b.score && a.row > b.row));
  const swap = (i: number, j: number): void => {
    [kept[i], kept[j]] = [kept[j] as Neighbour, kept[i] as Neighbour];
  };
  for (let row = 0; row < scores.length; row += 1) {
    const score = scores[row] as number;
    const worst = kept[0];
    if (kept.length >= k && (worst === undefined || score <= worst.score)) continue;
    if (isLeftOut(row)) continue;
    if (kept.length < k) {
      kept.push({ row, score });
      for (let at = kept.length - 1; at > 0; ) {
        const parent = (at - 1) >> 1;
        if (!isWorse(kept[at], kept[parent])) break;
        swap(at, parent);
        at = parent;
      }
      continue;
    }
    kept[0] = { row, score };
    for (let at = 0; ; ) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) if (isWorse(kept[child], kept[least])) least = child;
      if (least === at) break;
      swap(at, least);
      at = least;
    }
  }
  return kept.sort((a, b) => b.score - a.score || a.row - b.row);
}
