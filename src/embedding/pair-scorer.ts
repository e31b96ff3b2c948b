/** Scores of queries with a gallery where a graph scores pairs: in tiles of bounded memory, equal rows with equal scores. */
import type { GraphSession } from "../engine/runtime/session.js";
import type { Tensor } from "../engine/tensor/tensor.js";

/**
 * What a graph sees at once, queries by rows. DCNet holds about 20 kB for each pair at D = 1024, so that 64 queries and 10,000
 * rows at once would take 13 GB; over 4,096 pairs its products are as fast as over more.
 */
const tile = { queries: 32, rows: 128 } as const;

/**
 * A gallery [M, E] of unit embeddings, and the graph that scores rows of queries [Q, W] with it: `queries`, `gallery` ->
 * `scores`. Rows that are equal have the same scores, to the last bit: each is scored once. The graph alone does not see to
 * that, since a product may be summed in another order at another place of a matrix.
 */
export class PairScorer {
  readonly #session: GraphSession<string>;
  readonly #gallery: Float32Array;
  /** For each row, the first that is equal to it. */
  readonly #firsts: Int32Array;
  readonly #distinct: readonly number[];

  constructor(session: GraphSession<string>, gallery: Float32Array) {
    this.#session = session;
    this.#gallery = gallery;
    this.#firsts = firstEqualRows(gallery, this.#widthOf("gallery"));
    this.#distinct = Array.from(this.#firsts.keys()).filter((row) => this.#firsts[row] === row);
  }

  /** queries [Q, W] -> scores [Q, M]. */
  async score(queries: Float32Array): Promise<Float32Array> {
    const queryWidth = this.#widthOf("queries");
    const queryCount = queries.length / queryWidth;
    const galleryCount = this.#firsts.length;
    const result = new Float32Array(queryCount * galleryCount);
    for (let start = 0; start < this.#distinct.length; start += tile.rows) {
      const rows = this.#distinct.slice(start, start + tile.rows);
      const gallery = this.#rows(rows);
      for (let first = 0; first < queryCount; first += tile.queries) {
        const part = queries.subarray(first * queryWidth, (first + tile.queries) * queryWidth);
        const { scores } = await this.#session.run({ queries: matrix(part, queryWidth), gallery });
        const found = scores?.data as Float32Array;
        for (let i = 0; i < found.length; i += 1) {
          const query = first + Math.floor(i / rows.length);
          result[query * galleryCount + (rows[i % rows.length] as number)] = found[i] as number;
        }
      }
    }
    for (let at = 0; at < result.length; at += galleryCount) {
      for (let row = 0; row < galleryCount; row += 1)
        result[at + row] = result[at + (this.#firsts[row] as number)] as number;
    }
    return result;
  }

  #rows(rows: readonly number[]): Tensor {
    const width = this.#widthOf("gallery");
    const data = new Float32Array(rows.length * width);
    for (const [i, row] of rows.entries())
      data.set(this.#gallery.subarray(row * width, (row + 1) * width), i * width);
    return matrix(data, width);
  }

  #widthOf(input: "queries" | "gallery"): number {
    return Number(this.#session.inputs.get(input)?.shape[1]);
  }
}

function matrix(data: Float32Array, width: number): Tensor {
  return { dtype: "float32", shape: [data.length / width, width], data };
}

/** For each row of [M, width], the first row with the same bits. */
function firstEqualRows(data: Float32Array, width: number): Int32Array {
  const bits = new Int32Array(data.buffer, data.byteOffset, data.length);
  const byHash = new Map<number, number[]>();
  const isEqual = (a: number, b: number) => {
    for (let i = 0; i < width; i += 1) if (bits[a * width + i] !== bits[b * width + i]) return false;
    return true;
  };
  return Int32Array.from({ length: data.length / width }, (_, row) => {
    let hash = 0;
    for (let i = row * width; i < (row + 1) * width; i += 1)
      hash = (Math.imul(hash, 31) + (bits[i] as number)) | 0;
    const alike = byHash.get(hash) ?? [];
    const first = alike.find((other) => isEqual(other, row));
    if (first !== undefined) return first;
    byHash.set(hash, [...alike, row]);
    return row;
  });
}
