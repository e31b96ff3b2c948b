/** A store for small catalogues without a database: all items compared in memory, and kept in one file. */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { z } from "zod";
import { SdfnError, StoreError } from "../../errors.js";
import { fileStamp } from "../../files/file-stamp.js";
import { writeWhole } from "../../files/whole.js";
import { ExactStore } from "./exact-store.js";
import type { Filter } from "./filter.js";
import { itemFromJson, itemJsonSchema, itemToJson } from "./item-json.js";
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

const itemsFile = "items.jsonl";

/** First line of the file; an item a line follows. */
const headerSchema = z.strictObject({
  format: z.literal(1),
  embedDim: z.int().min(1),
  items: z.int().min(0),
  /** CRC-32 of the lines that follow. */
  crc32: z.int().min(0),
});

/**
 * Each write writes the whole file anew, 3 kB an item of 512 numbers: right for a few thousand items. All calls wait
 * for each other. A reader reads the file again when another process has written it.
 */
export class ExactFileStore implements VectorStore {
  readonly embedDim: number;
  readonly #file: string;
  readonly #isWritable: boolean;
  #items: ExactStore;
  /** An item's line by its id. */
  #lines: ReadonlyMap<string, string>;
  /** Of the file that `#items` has. */
  #stamp: string | undefined;
  #turns: Promise<unknown> = Promise.resolve();

  private constructor(file: string, isWritable: boolean, content: Content) {
    this.embedDim = content.items.embedDim;
    this.#file = file;
    this.#isWritable = isWritable;
    this.#items = content.items;
    this.#lines = content.lines;
    this.#stamp = content.stamp;
  }

  /** @param access "create" writes an empty file first. @throws StoreError where there is no file, or it is damaged. */
  static async open(
    folder: string,
    { embedDim, access }: { readonly embedDim: number; readonly access: "read" | "write" | "create" },
  ): Promise<ExactFileStore> {
    const file = join(folder, itemsFile);
    if (access === "create") await writeWhole(file, textOf([], embedDim));
    return new ExactFileStore(file, access !== "read", await readContent(file, embedDim));
  }

  async upsert(items: readonly StoredItem[]): Promise<void> {
    const checked = checkedItems(items, this.embedDim);
    if (checked.length === 0) return;
    await this.#write(async () => {
      const lines = new Map(this.#lines);
      for (const item of checked) lines.set(item.id, JSON.stringify(itemToJson(item)));
      await this.#replace(lines);
      await this.#items.upsert(checked);
    });
  }

  async delete(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.#write(async () => {
      const lines = new Map(this.#lines);
      for (const id of ids) lines.delete(id);
      await this.#replace(lines);
      await this.#items.delete(ids);
    });
  }

  get(ids: readonly string[]): Promise<ReadonlyMap<string, StoredItem>> {
    return this.#read((items) => items.get(ids));
  }

  async query(query: StoreQuery): Promise<StoreAnswer> {
    requireUnitVector("query", query.vector, this.embedDim);
    return this.#read((items) => items.query(query));
  }

  list(page: StoreList): Promise<ListedItems> {
    return this.#read((items) => items.list(page));
  }

  count(filter?: Filter): Promise<number> {
    return this.#read((items) => items.count(filter));
  }

  summaries(): AsyncIterable<readonly StoredSummary[]> {
    return this.#all((items) => items.summaries());
  }

  ids(): AsyncIterable<readonly string[]> {
    return this.#all((items) => items.ids());
  }

  items(): AsyncIterable<readonly StoredItem[]> {
    return this.#all((items) => items.items());
  }

  vectors(filter?: Filter): AsyncIterable<StoredVectors> {
    return this.#all((items) => items.vectors(filter));
  }

  async optimise(): Promise<void> {
    await this.#read(async () => undefined); // nothing is faster than it is; but the file must be there
  }

  async damagedFiles(signal?: AbortSignal): Promise<readonly string[]> {
    signal?.throwIfAborted();
    return this.#turn(async () => {
      const bytes = await readFile(this.#file).catch((cause) => Promise.reject(failed(this.#file, cause)));
      return parsed(bytes) === undefined ? [itemsFile] : [];
    });
  }

  async acceptFiles(names: readonly string[]): Promise<void> {
    if (names.includes(itemsFile)) await this.#write(() => this.#replace(this.#lines));
  }

  async close(): Promise<void> {
    await this.#turns;
    await this.#items.close();
  }

  /** As of one moment: writes may follow while the caller reads. */
  async *#all<T>(of: (items: ExactStore) => AsyncIterable<T>): AsyncGenerator<T> {
    yield* await this.#read(async (items) => {
      const parts: T[] = [];
      for await (const part of of(items)) parts.push(part);
      return parts;
    });
  }

  #read<T>(work: (items: ExactStore) => Promise<T>): Promise<T> {
    return this.#turn(async () => {
      if (this.#isWritable) await this.#requirePresent();
      else await this.#refresh();
      return work(this.#items);
    });
  }

  #write(work: () => Promise<void>): Promise<void> {
    if (!this.#isWritable) {
      return Promise.reject(new StoreError(`${this.#file}: the store was opened for reading`));
    }
    return this.#turn(async () => {
      await this.#requirePresent();
      await work();
    });
  }

  #turn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turns.then(work);
    this.#turns = done.catch(() => undefined);
    return done;
  }

  /** The file first: what cannot be kept is not found either. */
  async #replace(lines: ReadonlyMap<string, string>): Promise<void> {
    await writeWhole(this.#file, textOf([...lines.values()], this.embedDim), {
      refused: (cause) => failed(this.#file, cause),
    });
    this.#lines = lines;
    this.#stamp = await fileStamp(this.#file);
  }

  async #requirePresent(): Promise<void> {
    const now = await fileStamp(this.#file);
    if (now !== undefined && now === this.#stamp) return;
    throw new StoreError(
      `${this.#file}: the store's folder was removed or replaced; got ${now ? "another file" : "no file"}; open the index again`,
    );
  }

  async #refresh(): Promise<void> {
    const now = await fileStamp(this.#file);
    if (now !== undefined && now === this.#stamp) return;
    const { items, lines, stamp } = await readContent(this.#file, this.embedDim);
    await this.#items.close();
    this.#items = items;
    this.#lines = lines;
    this.#stamp = stamp;
  }
}

interface Content {
  readonly items: ExactStore;
  readonly lines: ReadonlyMap<string, string>;
  readonly stamp: string | undefined;
}

async function readContent(file: string, embedDim: number): Promise<Content> {
  const stamp = await fileStamp(file); // before it is read: what is written meanwhile is read next time
  if (stamp === undefined) {
    throw new StoreError(
      `${dirname(file)}: there is no store in this folder; got no ${itemsFile} in it; make the index with \`sdfn index\``,
    );
  }
  const bytes = await readFile(file).catch((cause) => Promise.reject(failed(file, cause)));
  const content = parsed(bytes);
  if (content === undefined || content.embedDim !== embedDim) {
    const got = content === undefined ? "another checksum" : `vectors of ${content.embedDim} numbers`;
    throw new StoreError(
      `${file}: is not as it was written; got ${got}; restore it from a copy, or index the catalogue into another folder`,
    );
  }
  const items = await ExactStore.create(embedDim);
  const found = content.lines.map((line) => itemFromJson(itemJsonSchema.parse(JSON.parse(line))));
  await items.upsert(found);
  return { items, lines: new Map(found.map(({ id }, i) => [id, content.lines[i] ?? ""])), stamp };
}

function textOf(lines: readonly string[], embedDim: number): string {
  const body = lines.map((line) => `${line}\n`).join("");
  return `${JSON.stringify({ format: 1, embedDim, items: lines.length, crc32: crc32(body) })}\n${body}`;
}

/** Undefined where the file is not as it was written. */
function parsed(bytes: Buffer): { readonly embedDim: number; readonly lines: readonly string[] } | undefined {
  const end = bytes.indexOf("\n");
  const body = bytes.subarray(end + 1);
  const header = headerSchema.safeParse(jsonOf(bytes.subarray(0, Math.max(end, 0)).toString()));
  if (!header.success || header.data.crc32 !== crc32(body)) return undefined;
  const lines = body.toString().split("\n").slice(0, -1);
  return lines.length === header.data.items ? { embedDim: header.data.embedDim, lines } : undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema refuses it
  }
}

function failed(file: string, cause: unknown): SdfnError {
  if (cause instanceof SdfnError) return cause;
  return new StoreError(
    `${file}: the store failed; got ${cause}; check that the folder is there, may be used and has room`,
    { cause },
  );
}
