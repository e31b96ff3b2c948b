/** Checks that an index is as it was written, and compares its approximate search with an exact one. */
import { Random } from "../../engine/tensor/random.js";
import { ExactStore } from "../store/exact-store.js";
import { type Filter, tagOf } from "../store/filter.js";
import type { StoreAnswer, VectorStore } from "../store/vector-store.js";
import type { Contents } from "./catalogue-contents.js";
import type { CatalogueIndex } from "./catalogue-index.js";
import { verifyIndex } from "./verify-index.js";

export interface CheckOptions {
  /** Items that are searched for. */
  readonly samples: number;
  readonly k: number;
  readonly seed: number;
  /** Called while rows are looked at. */
  readonly onRows?: (rows: number, total: number) => void;
  /** Called while samples are searched for. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Milliseconds of one query. */
export interface Latency {
  readonly p50: number;
  readonly p95: number;
}

/** Searches under one filter. */
export interface FilterCheck {
  /** In words: "category dress". */
  readonly filter: string;
  /** Items that fit. */
  readonly fitting: number;
  /** How the index went about it. */
  readonly plan: StoreAnswer["plan"];
  /** Of the k items that exact search finds, the share that the index finds; 1 is all. */
  readonly recall: number;
  readonly approximateMs: Latency;
  readonly exactMs: Latency;
}

export interface IndexCheck {
  readonly items: number;
  /** Ids, as they are stored, of items that are not as they were written: searches leave them out. */
  readonly damaged: readonly string[];
  /** Files of the store that are not as they were written: searches may miss items. */
  readonly damagedFiles: readonly string[];
  /** Files of pictures that were handed in whose bytes are others now: their thumbnails are shown. */
  readonly damagedPictures: readonly string[];
  /** Items of older versions, whose vectors have no hash: the next `sdfn index` writes it. */
  readonly oldVersion: number;
  readonly samples: number;
  readonly k: number;
  readonly oracle: "ONNX Runtime, in memory" | "the store's own exact search";
  readonly filters: readonly FilterCheck[];
}

/** Larger catalogues are not copied into memory. */
const oracleBytes = 2 ** 29;

/**
 * Looks at every row and file. Where all are as they were written, searches for a sample of the items, without and with
 * filters made of what the index has: the largest category, the middle of the prices, the rarest listed value.
 */
export async function checkIndex(
  index: CatalogueIndex,
  { samples, k, seed, onRows, onProgress, signal }: CheckOptions,
): Promise<IndexCheck> {
  const { store } = index;
  const total = await store.count();
  const state = await verifyIndex(index, { signal, onProgress: (rows) => onRows?.(rows, total) });
  const items = state.rows;
  const verified = {
    items,
    damaged: [...state.damaged],
    damagedFiles: state.damagedFiles,
    damagedPictures: await index.damagedPictures(),
    oldVersion: state.oldVersion.size,
    k,
  };
  if (isDamaged(verified))
    return { ...verified, samples: 0, filters: [], oracle: "the store's own exact search" };
  const vectors = await sample(store, samples, new Random(seed));
  const isInMemory = items * store.embedDim * 4 <= oracleBytes;
  const oracle = isInMemory ? await ExactStore.copyOf(store) : store;
  const cases = filtersOf(index.manifest.contents);
  const filters: FilterCheck[] = [];
  try {
    for (const [name, filter] of cases) {
      const times = { approximate: [] as number[], exact: [] as number[] };
      let [found, wanted] = [0, 0];
      let last: StoreAnswer = { hits: [], fitting: 0, plan: "exact" };
      for (const [i, vector] of vectors.entries()) {
        signal?.throwIfAborted();
        const approximate = await timed(times.approximate, () => store.query({ vector, limit: k, filter }));
        const exact = await timed(times.exact, () =>
          oracle.query({ vector, limit: k, filter, isExact: true }),
        );
        const ids = new Set(approximate.hits.map(({ id }) => id));
        wanted += exact.hits.length;
        found += exact.hits.filter(({ id }) => ids.has(id)).length;
        last = approximate;
        onProgress?.(filters.length * vectors.length + i + 1, cases.length * vectors.length);
      }
      filters.push({
        filter: name,
        fitting: last.fitting,
        plan: last.plan,
        recall: wanted === 0 ? 1 : found / wanted,
        approximateMs: latency(times.approximate),
        exactMs: latency(times.exact),
      });
    }
  } finally {
    if (oracle !== store) await oracle.close();
  }
  return {
    ...verified,
    samples: vectors.length,
    filters,
    oracle: isInMemory ? "ONNX Runtime, in memory" : "the store's own exact search",
  };
}

/** Is anything not as it was written? */
export function isDamaged({
  damaged,
  damagedFiles,
  damagedPictures,
}: Pick<IndexCheck, "damaged" | "damagedFiles" | "damagedPictures">): boolean {
  return damaged.length + damagedFiles.length + damagedPictures.length > 0;
}

/** Times in milliseconds as their median and 95th percentile; 0 for none. */
export function latency(timesMs: readonly number[]): Latency {
  const sorted = [...timesMs].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { p50: at(0.5), p95: at(0.95) };
}

async function timed<T>(timesMs: number[], work: () => Promise<T>): Promise<T> {
  const startMs = performance.now();
  const result = await work();
  timesMs.push(performance.now() - startMs);
  return result;
}

/** Vectors of `count` items drawn without replacement, in one pass. */
async function sample(store: VectorStore, count: number, random: Random): Promise<readonly Float32Array[]> {
  const drawn: Float32Array[] = [];
  let seen = 0;
  for await (const items of store.items()) {
    for (const { vector } of items) {
      seen += 1;
      if (drawn.length < count) drawn.push(vector);
      else {
        const place = random.integer(seen);
        if (place < count) drawn[place] = vector;
      }
    }
  }
  return drawn;
}

function filtersOf({
  categories,
  price,
  attributes,
}: Contents): readonly (readonly [string, Filter | undefined])[] {
  const cases: (readonly [string, Filter | undefined])[] = [["none", undefined]];
  const category = categories[0]?.value;
  if (category !== undefined) cases.push([`category ${category}`, { kind: "category", anyOf: [category] }]);
  if (price !== undefined) {
    const quarter = (price.max - price.min) / 4;
    const [min, max] = [price.min + quarter, price.max - quarter];
    cases.push([`price ${round(min)} to ${round(max)}`, { kind: "price", min, max }]);
  }
  const rarest = attributes
    .flatMap(({ name, values }) => values.map(({ value, items }) => ({ name, value, items })))
    .sort((a, b) => a.items - b.items || (tagOf(a.name, a.value) < tagOf(b.name, b.value) ? -1 : 1))[0];
  if (rarest !== undefined) {
    const { name, value } = rarest;
    cases.push([`${name}=${value}`, { kind: "attribute", name, anyOf: [value] }]);
  }
  return cases;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
