/** Where a catalogue's embeddings are kept and searched. Nothing above this interface knows which engine does it. */
import { DivergenceError, ShapeError } from "../../errors.js";
import type { Filter, FilterFields } from "./filter.js";

/** One item as a store keeps it. */
export interface StoredItem extends FilterFields {
  /** Changes when anything about the item does; the store does not look inside. */
  readonly hash: string;
  /** Whatever else belongs to the item; the store does not look inside. */
  readonly details: string;
  /** [D], length 1. */
  readonly vector: Float32Array;
}

/** What tells an item, and whether it changed. */
export type StoredSummary = Pick<StoredItem, "id" | "hash" | "details">;

/** Vectors of a few items. */
export interface StoredVectors {
  readonly ids: readonly string[];
  /** [ids.length, D] */
  readonly vectors: Float32Array;
}

export interface StoreQuery {
  /** [D], length 1. */
  readonly vector: Float32Array;
  readonly limit: number;
  /** Best answers left out, for the next page. */
  readonly offset?: number;
  readonly filter?: Filter | undefined;
  /** Compare every item, whatever it costs. */
  readonly isExact?: boolean;
}

/** A page of items without an order of merit. */
export interface StoreList {
  readonly filter?: Filter | undefined;
  readonly limit: number;
  /** Items left out at the beginning. */
  readonly offset?: number | undefined;
}

export interface ListedItems {
  readonly items: readonly StoredSummary[];
  /** Items that fit the filter. */
  readonly fitting: number;
}

/** An item that was found, whole: whoever shows it can tell whether it is as it was written. */
export interface StoreHit extends StoredItem {
  /** Cosine of query and item, -1 to 1. */
  readonly score: number;
}

export interface StoreAnswer {
  /** Best first, equal scores by id. */
  readonly hits: readonly StoreHit[];
  /** Items that fit the filter. */
  readonly fitting: number;
  /** How the store went about it: every fitting item compared, or approximately over some parts of its index. */
  readonly plan: "exact" | "all partitions" | "some partitions";
}

/**
 * Items by id, nearest first. Asynchronous throughout, so that it can be a server elsewhere. Calls may overlap; writes
 * take effect in the order in which they were called.
 */
export interface VectorStore {
  /** D */
  readonly embedDim: number;
  /**
   * Adds items, or replaces those with the same ids; of two in one call the later counts. When it resolves the items
   * are found by every later query and, where the store lies on disk, survive a loss of power.
   * @throws ShapeError, DivergenceError for a vector of another length, not finite or not of length 1; nothing is
   *   written then.
   */
  upsert(items: readonly StoredItem[]): Promise<void>;
  /** Removes items, as durably as `upsert` adds them; ids that are not there do not matter. */
  delete(ids: readonly string[]): Promise<void>;
  /** The items that are there, by id. */
  get(ids: readonly string[]): Promise<ReadonlyMap<string, StoredItem>>;
  /** @throws ShapeError, DivergenceError as `upsert`. */
  query(query: StoreQuery): Promise<StoreAnswer>;
  /** Items that fit, by id: the same order from page to page. Which of two emoji comes first is the engine's choice. */
  list(page: StoreList): Promise<ListedItems>;
  count(filter?: Filter): Promise<number>;
  /** All items without their vectors, some at a time, in no particular order. */
  summaries(): AsyncIterable<readonly StoredSummary[]>;
  /** The ids of all items, some at a time: also where nothing else of them can be read. */
  ids(): AsyncIterable<readonly string[]>;
  /** All items, some at a time, in no particular order. */
  items(): AsyncIterable<readonly StoredItem[]>;
  /** Ids and vectors of the items that fit, some at a time, in no particular order: nothing else of them is read. */
  vectors(filter?: Filter): AsyncIterable<StoredVectors>;
  /**
   * Builds or renews what makes queries fast. Results are the same without it, up to recall.
   * @param isRebuilt everything is built anew, whatever is there.
   */
  optimise(options?: { readonly isRebuilt?: boolean }): Promise<void>;
  /**
   * The store's own files that are not as they were written; none where the store has no files.
   * @throws the signal's reason.
   */
  damagedFiles(signal?: AbortSignal): Promise<readonly string[]>;
  /** Takes files as they are now, once everything in them was written again or is known to be damaged. */
  acceptFiles(names: readonly string[]): Promise<void>;
  /** Waits for writes under way and frees everything. */
  close(): Promise<void>;
}

/** How far from 1 the length of a vector may be: float32 sums of a thousand squares stay well within. */
const lengthTolerance = 1e-3;

/** @throws ShapeError, DivergenceError when a vector cannot be compared with others by its cosine. */
export function requireUnitVector(what: string, vector: Float32Array, embedDim: number): void {
  if (vector.length !== embedDim) {
    throw new ShapeError(what, `must be a vector of ${embedDim} numbers`, { length: vector.length });
  }
  const length = lengthOf(vector);
  if (!Number.isFinite(length)) {
    throw new DivergenceError(
      `${what}: has numbers that are not finite; the model's parameters are damaged: use an earlier checkpoint`,
    );
  }
  if (!hasUnitLength(vector)) throw new ShapeError(what, "must have length 1", { length });
}

/** Is this a vector of length 1, up to rounding? */
export function hasUnitLength(vector: Float32Array): boolean {
  return Math.abs(lengthOf(vector) - 1) <= lengthTolerance;
}

function lengthOf(vector: Float32Array): number {
  let squares = 0;
  for (const value of vector) squares += value * value;
  return Math.sqrt(squares);
}

/** Items checked, each id once: of several the last. */
export function checkedItems(items: readonly StoredItem[], embedDim: number): readonly StoredItem[] {
  for (const { id, vector } of items) requireUnitVector(`item ${id}`, vector, embedDim);
  return [...new Map(items.map((item) => [item.id, item])).values()];
}
