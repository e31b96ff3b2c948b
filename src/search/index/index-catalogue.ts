/** Brings an index up to date with a catalogue file. */
import { dirname, join, resolve } from "node:path";
import { type CatalogueItem, CellProblem } from "../../catalogue/catalogue-item.js";
import { PictureFiles } from "../../catalogue/picture-files.js";
import { readCatalogue } from "../../catalogue/read-catalogue.js";
import type { Encoder } from "../../embedding/encoder.js";
import { ImageError } from "../../errors.js";
import { isErrno } from "../../files/errno.js";
import { sha256OfFile } from "../../files/sha256.js";
import { decodePool } from "../../images/decode-pool.js";
import { thumbnail } from "../../images/image.js";
import { type CatalogueEntry, entryHash, entryOf } from "./catalogue-entry.js";
import type { CatalogueIndex, IndexedItem } from "./catalogue-index.js";
import { IndexRepair } from "./index-repair.js";
import { indexFiles } from "./manifest.js";
import { RowAccount } from "./row-account.js";
import { RowErrors } from "./row-errors.js";
import { verifyIndex } from "./verify-index.js";

export interface IndexCatalogueOptions {
  /** CSV or JSON lines. */
  readonly file: string;
  /**
   * Also removes items that the file does not have. Those of wrong rows stay; where a row's id cannot be read, or nothing
   * of the file can be used, every item stays.
   */
  readonly deleteMissing?: boolean;
  /** Columns that are read as if they were not there. */
  readonly ignoredColumns?: readonly string[] | undefined;
  /** May pictures be links that lead out of the file's folder? */
  readonly allowLinks?: boolean | undefined;
  /** Items embedded at a time. */
  readonly batchSize?: number;
  /** Called after every batch with the rows done so far and those of them that needed the model. */
  readonly onProgress?: (rows: number, embedded: number) => void;
  /** Called once when all items are written, before the index is put in order. */
  readonly onWritten?: () => void;
  /** Stops between two batches; what was done is kept. */
  readonly signal?: AbortSignal | undefined;
}

export interface IndexReport {
  readonly rows: number;
  readonly added: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly deleted: number;
  /** Damaged items that were written again. */
  readonly repaired: number;
  /** Ids of items that stay damaged: the catalogue does not have them. */
  readonly damaged: readonly string[];
  /** Rows that could not be indexed; they are in the file. */
  readonly errors: number;
  /** Values that their items were indexed without; they are in the file. */
  readonly refusedValues: number;
  /** What is to be known of items that were indexed whole; in the file too. */
  readonly notes: number;
  readonly errorFile: string | undefined;
  /** Rows whose ids could not be read: how many, and the first of them. */
  readonly unknownIds: { readonly count: number; readonly rows: readonly number[] };
}

/** Longer side of thumbnails: what a shop's grid shows on a dense screen, and enough to be a reference again. */
export const thumbnailPx = 320;
/** Pictures read at a time. */
const parallelReads = 8;

/**
 * Embeds what is new or changed, told by a hash of row and picture, so that a run that was stopped resumes where it was.
 * What cannot be used is written to `errors.jsonl`: a row without an item, or a value without which its item is indexed.
 * An item that was indexed before stays as it was when its row has none.
 * @throws DatasetError when the file cannot be read; StoreError when the index cannot be written or has another model;
 *   the signal's reason.
 * @example
 * import { cp } from "node:fs/promises";
 * import { openBundle } from "sdfn";
 * import { CatalogueIndex, indexCatalogue } from "sdfn/search";
 * const encoder = await openBundle("bundles/first");
 * const install = (folder) => cp("bundles/first", folder, { recursive: true });
 * const index = await CatalogueIndex.openOrCreate("indexes/new", encoder, install);
 * const { rows, added, errors } = await indexCatalogue(index, encoder, { file: "data/small/catalogue.csv" });
 * console.log(added === rows, errors); // true 0
 * await index.close();
 * await encoder.close();
 */
export async function indexCatalogue(
  index: CatalogueIndex,
  encoder: Encoder,
  options: IndexCatalogueOptions,
): Promise<IndexReport> {
  const { file, deleteMissing = false, allowLinks = false, ignoredColumns } = options;
  const { batchSize = 64, onProgress, onWritten, signal } = options;
  index.requireModel(encoder);
  const root = resolve(dirname(file));
  await index.setImageRoot(root);
  const state = await verifyIndex(index, { signal });
  const repair = new IndexRepair(index, state);
  const known = new Map(state.sound);
  for (const id of state.damaged) known.set(id, "");
  const counts = { added: 0, updated: 0, unchanged: 0 };
  const errors = await RowErrors.create(join(index.folder, indexFiles.errors));
  const rows = new RowAccount(errors);
  const pictures = new PictureFiles(root, { allowLinks });
  let writing: Promise<void> = Promise.resolve();
  try {
    const items = readCatalogue(file, { ignoredColumns, onWrongRow: (wrong) => rows.addWrong(wrong) });
    for await (const batch of batches(items, batchSize)) {
      signal?.throwIfAborted();
      for (const item of batch) rows.addItem(item);
      const entries = await readEntries(batch, { root, pictures, errors });
      const changed = entries.filter(({ entry, hash }) => known.get(entry.id) !== hash);
      const embedded = await embed(changed, { root, encoder, index, errors });
      await writing; // the one before: written while this one was embedded
      counts.unchanged += entries.length - changed.length;
      for (const { entry } of embedded) counts[known.has(entry.id) ? "updated" : "added"] += 1;
      writing = repair.put(embedded);
      writing.catch(() => undefined); // thrown above, or below
      await errors.flush();
      onProgress?.(rows.count, counts.added + counts.updated);
    }
    signal?.throwIfAborted();
    rows.addNotes();
  } finally {
    await writing;
    await errors.close();
  }
  const used = counts.added + counts.updated + counts.unchanged;
  const mayDelete = deleteMissing && used > 0 && rows.unknownIds.count === 0;
  const missing = mayDelete ? [...known.keys()].filter((id) => !rows.ids.has(id)) : [];
  if (missing.length > 0) await index.deleteRows(missing);
  onWritten?.();
  const repairs = await repair.finish(encoder);
  const { row, value, note } = errors.counts;
  const listed = { errors: row, refusedValues: value, notes: note, errorFile: errors.file };
  const { count, unknownIds } = rows;
  return { rows: count, ...counts, deleted: missing.length, ...repairs, ...listed, unknownIds };
}

interface ReadEntry {
  readonly row: number;
  readonly entry: CatalogueEntry;
  readonly hash: string;
}

/** Entries of rows whose picture's file can be read. */
async function readEntries(
  items: readonly CatalogueItem[],
  {
    root,
    pictures,
    errors,
  }: { readonly root: string; readonly pictures: PictureFiles; readonly errors: RowErrors },
): Promise<readonly ReadEntry[]> {
  const read = async (item: CatalogueItem): Promise<ReadEntry[]> => {
    const { row, id, image } = item;
    const refuse = (reason: string) => {
      errors.add({ row, id, kind: "row", column: "image", reason });
      return [];
    };
    if (image.kind === "address") {
      return refuse("the picture is an address, and nothing is fetched; save it beside the catalogue");
    }
    const path = pictures.find(image.path);
    if (path instanceof CellProblem) return refuse(path.mustBe);
    try {
      const entry = entryOf({ ...item, image: { kind: "file", path } }, await sha256OfFile(join(root, path)));
      return [{ row, entry, hash: entryHash(entry) }];
    } catch (error) {
      if (!isErrno(error)) throw error;
      return refuse(`${path}: the picture cannot be read; got ${error.code}`);
    }
  };
  const result: ReadEntry[] = [];
  for (let start = 0; start < items.length; start += parallelReads) {
    result.push(...(await Promise.all(items.slice(start, start + parallelReads).map(read))).flat());
  }
  return result;
}

/** Embeddings and thumbnails, where both can be had. */
async function embed(
  entries: readonly ReadEntry[],
  {
    root,
    encoder,
    index,
    errors,
  }: {
    readonly root: string;
    readonly encoder: Encoder;
    readonly index: CatalogueIndex;
    readonly errors: RowErrors;
  },
): Promise<readonly IndexedItem[]> {
  if (entries.length === 0) return [];
  const files = entries.map(({ entry }) => join(root, entry.image ?? ""));
  const thumbnails = Promise.all(
    entries.map(({ entry }, i) =>
      index.hasThumbnail(entry)
        ? undefined
        : orImageError(() => decodePool.during("pictures", () => thumbnail(files[i] ?? "", thumbnailPx))),
    ),
  );
  thumbnails.catch(() => undefined); // awaited below, should the encoder fail first
  const embeddings = await encoder.embedPictures(files, (i, note) => {
    const { row, entry } = entries[i] as ReadEntry;
    errors.add({ row, id: entry.id, kind: "note", column: "image", reason: `${entry.image}: ${note}` });
  });
  const small = await thumbnails;
  return entries.flatMap(({ row, entry }, i) => {
    const [embedding, picture] = [embeddings[i], small[i]];
    const wrong = [embedding, picture].find((value) => value instanceof ImageError);
    if (wrong instanceof ImageError || embedding === undefined) {
      const reason = wrong?.message ?? "the model gave no embedding";
      errors.add({ row, id: entry.id, kind: "row", column: "image", reason });
      return [];
    }
    return [{ entry, embedding: embedding as Float32Array, thumbnail: picture as Uint8Array | undefined }];
  });
}

async function orImageError<T>(work: () => Promise<T>): Promise<T | ImageError> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ImageError) return error;
    throw error;
  }
}

async function* batches<T>(values: AsyncIterable<T>, size: number): AsyncGenerator<readonly T[]> {
  let batch: T[] = [];
  for await (const value of values) {
    batch.push(value);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
