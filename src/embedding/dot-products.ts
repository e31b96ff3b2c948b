/** Dot products of embeddings, all summed in the same order so that equal rows tie to the last bit. */
import { DivergenceError, ShapeError } from "../errors.js";

/** Queries compared at once: their sums stay in registers while two gallery rows are read. */
const blockRows = 4;
/** Gallery rows that stay in the processor's cache while every query is compared with them. */
const tileRows = 128;

/**
 * Number of rows of `embeddings` [rows, embedDim].
 * @throws ShapeError when the length does not fit; DivergenceError when a value is not finite.
 */
export function requireEmbeddings(what: string, embeddings: Float32Array, embedDim: number): number {
  if (!Number.isInteger(embedDim) || embedDim < 1 || embeddings.length % embedDim !== 0) {
    throw new ShapeError(what, `needs rows of ${embedDim} numbers`, { length: embeddings.length });
  }
  const wrong = embeddings.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) {
    throw new DivergenceError(
      `${what}: embedding ${Math.floor(wrong / embedDim)} is not finite; got ${embeddings[wrong]}; ` +
        "the model's parameters are damaged: use an earlier checkpoint, or train with a lower learning rate",
    );
  }
  return embeddings.length / embedDim;
}

/** query · gallery[start ...], summed from the first element to the last in float64. */
export function dotProduct(query: Float32Array, gallery: Float32Array, start: number): number {
  let sum = 0;
  for (let d = 0; d < query.length; d += 1) sum += (query[d] as number) * (gallery[start + d] as number);
  return sum;
}

/**
 * For each query, how many rows of the gallery have a dot product >= its threshold.
 * queries [Q, D], gallery [G, D], thresholds [Q] -> [Q]. About 1e9 products a second and core,
 * without ever holding Q x G scores.
 */
export function countAtLeast(
  queries: Float32Array,
  gallery: Float32Array,
  thresholds: Float64Array,
): Int32Array {
  const queryCount = thresholds.length;
  const embedDim = queryCount > 0 ? queries.length / queryCount : 1;
  const galleryCount = gallery.length / embedDim;
  const blocks = interleave(queries, queryCount, embedDim);
  const bounds = new Float64Array(Math.ceil(queryCount / blockRows) * blockRows).fill(
    Number.POSITIVE_INFINITY,
  );
  bounds.set(thresholds);
  const counts = new Int32Array(bounds.length);
  for (let tile = 0; tile < galleryCount; tile += tileRows) {
    const tileEnd = Math.min(galleryCount, tile + tileRows);
    for (let block = 0; block < bounds.length; block += blockRows) {
      for (let row = tile; row < tileEnd; row += 2) {
        countPair(blocks, gallery, embedDim, block, row, row + 1 < tileEnd, bounds, counts);
      }
    }
  }
  return counts.subarray(0, queryCount);
}

/**
 * Adds to the counts of four queries what one or two gallery rows score. Positional arguments and
 * named sums for speed: this is the loop that evaluation spends its time in.
 */
function countPair(
  blocks: Float64Array,
  gallery: Float32Array,
  embedDim: number,
  block: number,
  row: number,
  hasSecond: boolean,
  bounds: Float64Array,
  counts: Int32Array,
): void {
  let [a0, a1, a2, a3, b0, b1, b2, b3] = [0, 0, 0, 0, 0, 0, 0, 0];
  const first = row * embedDim;
  const second = hasSecond ? first + embedDim : first;
  let at = block * embedDim;
  for (let d = 0; d < embedDim; d += 1) {
    const a = gallery[first + d] as number;
    const b = gallery[second + d] as number;
    const q0 = blocks[at] as number;
    const q1 = blocks[at + 1] as number;
    const q2 = blocks[at + 2] as number;
    const q3 = blocks[at + 3] as number;
    a0 += q0 * a;
    b0 += q0 * b;
    a1 += q1 * a;
    b1 += q1 * b;
    a2 += q2 * a;
    b2 += q2 * b;
    a3 += q3 * a;
    b3 += q3 * b;
    at += blockRows;
  }
  const add = (query: number, scoreOfFirst: number, scoreOfSecond: number) => {
    const bound = bounds[block + query] as number;
    counts[block + query] =
      (counts[block + query] as number) +
      Number(scoreOfFirst >= bound) +
      Number(hasSecond && scoreOfSecond >= bound);
  };
  add(0, a0, b0);
  add(1, a1, b1);
  add(2, a2, b2);
  add(3, a3, b3);
}

/** Queries in groups of four, element by element: q0[0] q1[0] q2[0] q3[0] q0[1] ...; zeros fill the last group. */
function interleave(queries: Float32Array, queryCount: number, embedDim: number): Float64Array {
  const blocks = new Float64Array(Math.ceil(queryCount / blockRows) * blockRows * embedDim);
  for (let query = 0; query < queryCount; query += 1) {
    const place = query % blockRows;
    const start = (query - place) * embedDim + place;
    for (let d = 0; d < embedDim; d += 1)
      blocks[start + d * blockRows] = queries[query * embedDim + d] as number;
  }
  return blocks;
}
