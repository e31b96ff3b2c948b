/** Looks at every row and file of an index: are they as they were written? */
import { StoreError } from "../../errors.js";
import type { StoredItem, VectorStore } from "../store/vector-store.js";
import { hashParts } from "./catalogue-entry.js";
import type { CatalogueIndex } from "./catalogue-index.js";
import { isRowOfOldVersion, isRowSound } from "./verify-row.js";

export interface IndexState {
  readonly rows: number;
  /** Hash of the entry by id, of items that are as they were written. */
  readonly sound: ReadonlyMap<string, string>;
  /** Ids, as they are stored, of rows that are not as they were written, or cannot be read. */
  readonly damaged: ReadonlySet<string>;
  /** Sound items that an older version wrote: their vectors have no hash. */
  readonly oldVersion: ReadonlySet<string>;
  /** Files of the store that are not as they were written. */
  readonly damagedFiles: readonly string[];
}

export interface VerifyOptions {
  readonly onProgress?: ((rows: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** @throws StoreError when not even the ids of the rows can be read; the signal's reason. */
export async function verifyIndex(
  { store }: CatalogueIndex,
  { onProgress, signal }: VerifyOptions = {},
): Promise<IndexState> {
  const damagedFiles = await store.damagedFiles(signal);
  const sound = new Map<string, string>();
  const [damaged, oldVersion] = [new Set<string>(), new Set<string>()];
  let rows = 0;
  const lookAt = (row: StoredItem) => {
    rows += 1;
    // Two rows of one id: a flipped bit made one of them look like the other.
    if (!isRowSound(row) || sound.has(row.id)) damaged.add(row.id);
    else sound.set(row.id, hashParts(row.hash).entry);
    if (isRowOfOldVersion(row)) oldVersion.add(row.id);
  };
  try {
    for await (const items of store.items()) {
      signal?.throwIfAborted();
      items.forEach(lookAt);
      onProgress?.(rows);
    }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    // A damaged page stops the reading of all rows behind it: read the rows one by one.
    for (const found of [sound, damaged, oldVersion]) found.clear();
    rows = 0;
    for await (const { id, row } of rowsById(store, damagedFiles)) {
      signal?.throwIfAborted();
      if (row !== undefined) lookAt(row);
      else {
        rows += 1;
        damaged.add(id);
      }
      onProgress?.(rows);
    }
  }
  for (const id of damaged) {
    sound.delete(id);
    oldVersion.delete(id);
  }
  return { rows, sound, damaged, oldVersion, damagedFiles };
}

/** Ids read at a time. */
const idsAtOnce = 500;

/** Every row, read by its id; undefined for those that cannot be read. */
async function* rowsById(
  store: VectorStore,
  damagedFiles: readonly string[],
): AsyncGenerator<{ readonly id: string; readonly row: StoredItem | undefined }> {
  for await (const ids of idsOf(store, damagedFiles)) {
    for (let start = 0; start < ids.length; start += idsAtOnce) {
      yield* readable(store, ids.slice(start, start + idsAtOnce));
    }
  }
}

async function* idsOf(
  store: VectorStore,
  damagedFiles: readonly string[],
): AsyncGenerator<readonly string[]> {
  try {
    yield* store.ids();
  } catch (cause) {
    if (!(cause instanceof StoreError)) throw cause;
    throw new StoreError(
      `${cause.message}; not even the ids of the items can be read; damaged files: ${damagedFiles.join(", ") || "unknown"}; restore the index from a copy, ` +
        "or index the catalogue into another folder",
      { cause },
    );
  }
}

/** Halves what cannot be read together. */
async function* readable(
  store: VectorStore,
  ids: readonly string[],
): AsyncGenerator<{ readonly id: string; readonly row: StoredItem | undefined }> {
  let found: ReadonlyMap<string, StoredItem> | undefined;
  try {
    found = await store.get(ids);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
  }
  if (found !== undefined || ids.length === 1) {
    for (const id of ids) yield { id, row: found?.get(id) };
    return;
  }
  const middle = ids.length >> 1;
  yield* readable(store, ids.slice(0, middle));
  yield* readable(store, ids.slice(middle));
}
