/** A store in memory that compares every item: for small catalogues, and what approximate search is measured by. */

import { highest } from "../../embedding/top-k.js";
import { Input } from "../../engine/graph/value.js";
import { matmul } from "../../engine/ops/matmul.js";
import { GraphSession } from "../../engine/runtime/session.js";
import { type Filter, predicateOf } from "./filter.js";
import {
  checkedItems,
  type ListedItems,
  requireUnitVector,
  type StoreAnswer,
  type StoredItem,
  type StoredSummary,
  type StoredVectors,
  type StoreList,
  type StoreQuery,
  type VectorStore,
} from "./vector-store.js";

const firstCapacity = 1024;
/** Items that are read from another store at a time. */
const pageSize = 1000;

/**
 * Rows of one matrix; scores are one matrix product on ONNX Runtime, which occupies the calling thread (20 ms for
 * 100,000 x 512). Nothing outlives the process.
 */
export class ExactStore implements VectorStore {
  readonly embedDim: number;
  readonly #session: GraphSession<"scores">;
  /** By row; the vectors are rows of the matrix. */
  readonly #rows: Omit<StoredItem, "vector">[] = [];
  readonly #rowOfId = new Map<string, number>();
  /** The rows by id; until the next write. */
  #sorted: readonly Omit<StoredItem, "vector">[] | undefined;
  /** [capacity, D] */
  #matrix: Float32Array;

  private constructor(embedDim: number, session: GraphSession<"scores">) {
    this.embedDim = embedDim;
    this.#session = session;
    this.#matrix = new Float32Array(firstCapacity * embedDim);
  }

  /** An empty store. */
  static async create(
    embedDim: number,
    { threadCount }: { readonly threadCount?: number } = {},
  ): Promise<ExactStore> {
    const scores = matmul(
      new Input("gallery", "float32", ["batch", embedDim]),
      new Input("query", "float32", [embedDim, 1]),
    );
    return new ExactStore(
      embedDim,
      await GraphSession.compile({ scores }, threadCount === undefined ? {} : { threadCount }),
    );
  }

  /** A copy of all that another store holds now. */
  static async copyOf(
    store: VectorStore,
    options: { readonly threadCount?: number } = {},
  ): Promise<ExactStore> {
    const copy = await ExactStore.create(store.embedDim, options);
    for await (const items of store.items()) await copy.upsert(items);
    return copy;
  }

  async upsert(items: readonly StoredItem[]): Promise<void> {
    this.#sorted = undefined;
    for (const { vector, ...fields } of checkedItems(items, this.embedDim)) {
      const row = this.#rowOfId.get(fields.id) ?? this.#rows.length;
      this.#reserve(row + 1);
      this.#matrix.set(vector, row * this.embedDim);
      this.#rows[row] = fields;
      this.#rowOfId.set(fields.id, row);
    }
  }

  async delete(ids: readonly string[]): Promise<void> {
    this.#sorted = undefined;
    for (const id of ids) {
      const row = this.#rowOfId.get(id);
      const last = this.#rows.pop();
      if (row === undefined || last === undefined) {
        if (last) this.#rows.push(last);
        continue;
      }
      this.#rowOfId.delete(id);
      if (last.id === id) continue;
      // The last row takes the free place.
      const start = this.#rows.length * this.embedDim;
      this.#matrix.copyWithin(row * this.embedDim, start, start + this.embedDim);
      this.#rows[row] = last;
      this.#rowOfId.set(last.id, row);
    }
  }

  async get(ids: readonly string[]): Promise<ReadonlyMap<string, StoredItem>> {
    return new Map(
      ids.flatMap((id) => {
        const row = this.#rowOfId.get(id);
        return row === undefined ? [] : [[id, this.#itemAt(row)] as const];
      }),
    );
  }

  async query({ vector, limit, offset = 0, filter }: StoreQuery): Promise<StoreAnswer> {
    requireUnitVector("query", vector, this.embedDim);
    const count = this.#rows.length;
    if (count === 0) return { hits: [], fitting: 0, plan: "exact" };
    const { scores } = await this.#session.run({
      gallery: {
        dtype: "float32",
        shape: [count, this.embedDim],
        data: this.#matrix.subarray(0, count * this.embedDim),
      },
      query: { dtype: "float32", shape: [this.embedDim, 1], data: vector },
    });
    const { fitting, mask } = this.#masked(filter);
    const isLeftOut = (row: number): boolean => mask?.[row] === 0;
    const best = highest(scores.data as Float32Array, { k: limit + offset, isLeftOut });
    const hits = best.flatMap(({ row, score }) => {
      return row < this.#rows.length ? [{ ...this.#itemAt(row), score }] : [];
    });
    hits.sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
    return { hits: hits.slice(offset), fitting, plan: "exact" };
  }

  async list({ filter, limit, offset = 0 }: StoreList): Promise<ListedItems> {
    this.#sorted ??= [...this.#rows].sort((a, b) => (a.id < b.id ? -1 : 1));
    const fitting = filter === undefined ? this.#sorted : this.#sorted.filter(predicateOf(filter));
    return {
      items: fitting.slice(offset, offset + limit).map(({ id, hash, details }) => ({ id, hash, details })),
      fitting: fitting.length,
    };
  }

  async count(filter?: Filter): Promise<number> {
    return this.#masked(filter).fitting;
  }

  async *summaries(): AsyncGenerator<readonly StoredSummary[]> {
    yield this.#rows.map(({ id, hash, details }) => ({ id, hash, details }));
  }

  async *ids(): AsyncGenerator<readonly string[]> {
    yield this.#rows.map(({ id }) => id);
  }

  async *items(): AsyncGenerator<readonly StoredItem[]> {
    for (let start = 0; start < this.#rows.length; start += pageSize) {
      const end = Math.min(this.#rows.length, start + pageSize);
      yield Array.from({ length: end - start }, (_, i) => this.#itemAt(start + i));
    }
  }

  async *vectors(filter?: Filter): AsyncGenerator<StoredVectors> {
    const { mask } = this.#masked(filter);
    const rows = this.#rows.flatMap((_, row) => (mask?.[row] === 0 ? [] : [row]));
    for (let start = 0; start < rows.length; start += pageSize) {
      const page = rows.slice(start, start + pageSize);
      const vectors = new Float32Array(page.length * this.embedDim);
      for (const [i, row] of page.entries()) vectors.set(this.#vectorAt(row), i * this.embedDim);
      yield { ids: page.map((row) => this.#rows[row]?.id ?? ""), vectors };
    }
  }

  async optimise(): Promise<void> {
    // Nothing is faster than it is.
  }

  async damagedFiles(): Promise<readonly string[]> {
    return []; // it has no files
  }

  async acceptFiles(): Promise<void> {
    // It has no files.
  }

  async close(): Promise<void> {
    await this.#session.release();
  }

  /** 1 for rows that fit; no mask where all do. */
  #masked(filter: Filter | undefined): { readonly fitting: number; readonly mask: Uint8Array | undefined } {
    if (filter === undefined) return { fitting: this.#rows.length, mask: undefined };
    const fits = predicateOf(filter);
    let fitting = 0;
    const mask = Uint8Array.from(this.#rows, (item) => {
      const isFitting = fits(item);
      if (isFitting) fitting += 1;
      return Number(isFitting);
    });
    return { fitting, mask };
  }

  #itemAt(row: number): StoredItem {
    return { ...(this.#rows[row] as Omit<StoredItem, "vector">), vector: this.#vectorAt(row).slice() };
  }

  #vectorAt(row: number): Float32Array {
    return this.#matrix.subarray(row * this.embedDim, (row + 1) * this.embedDim);
  }

  #reserve(rowCount: number): void {
    if (rowCount * this.embedDim <= this.#matrix.length) return;
    const larger = new Float32Array(Math.max(2 * this.#matrix.length, rowCount * this.embedDim));
    larger.set(this.#matrix);
    this.#matrix = larger;
  }
}
