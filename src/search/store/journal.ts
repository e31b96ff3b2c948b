/** Writes that were acknowledged, until the engine below is known to have them for good. */
import { type FileHandle, open, readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";
import { z } from "zod";
import { StoreError } from "../../errors.js";
import { syncPath } from "../../files/durable-files.js";
import { isErrno } from "../../files/errno.js";
import { itemFromJson, itemJsonSchema, itemToJson } from "./item-json.js";
import type { StoredItem } from "./vector-store.js";

/** One write. */
export type JournalEntry =
  | { readonly kind: "upsert"; readonly items: readonly StoredItem[] }
  | { readonly kind: "delete"; readonly ids: readonly string[] };

/** Length and CRC-32 of the text that follows. */
const headerBytes = 8;

const entrySchema = z.union([
  z.object({
    kind: z.literal("upsert"),
    items: z.array(itemJsonSchema),
  }),
  z.object({ kind: z.literal("delete"), ids: z.array(z.string()) }),
]);

/**
 * An append-only file. An entry that a crash cut off was never acknowledged: reading ends before it, and opening for
 * writing removes it.
 */
export class Journal {
  readonly #path: string;
  readonly #file: FileHandle;
  /** Bytes of whole entries. */
  #sizeBytes: number;
  #failure: unknown;

  private constructor(path: string, file: FileHandle, sizeBytes: number) {
    this.#path = path;
    this.#file = file;
    this.#sizeBytes = sizeBytes;
  }

  /** Opens the file for writing, and gives the entries that are in it; whole when there is nothing behind them. */
  static async open(
    path: string,
  ): Promise<{ journal: Journal; entries: readonly JournalEntry[]; isWhole: boolean }> {
    const { entries, sizeBytes, isWhole } = await readJournal(path);
    const file = await open(path, "a");
    await file.truncate(sizeBytes);
    await file.sync();
    await syncPath(dirname(path));
    return { journal: new Journal(path, file, sizeBytes), entries, isWhole };
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** @throws StoreError when the file is not in its folder any more: what it keeps would be lost. */
  async requirePresent(): Promise<void> {
    const [open, found] = await Promise.all([
      this.#file.stat({ bigint: true }),
      stat(this.#path, { bigint: true }).catch(() => undefined),
    ]);
    if (found?.ino === open.ino && found.dev === open.dev) return;
    throw new StoreError(
      `${this.#path}: the store's folder was removed or replaced; got ${found ? "another file" : "no file"}; open the index again`,
    );
  }

  /** Appends and syncs. @throws StoreError when the disk does not take it; the entry is then not in the file. */
  async append(entry: JournalEntry): Promise<void> {
    if (this.#failure !== undefined) throw this.#unusable(this.#failure);
    await this.requirePresent();
    const text = Buffer.from(
      JSON.stringify(
        entry.kind === "upsert" ? { kind: "upsert", items: entry.items.map(itemToJson) } : entry,
      ),
    );
    const header = Buffer.alloc(headerBytes);
    header.writeUInt32LE(text.length, 0);
    header.writeUInt32LE(crc32(text), 4);
    try {
      await this.#file.appendFile(Buffer.concat([header, text]));
      await this.#file.sync();
      this.#sizeBytes += headerBytes + text.length;
    } catch (cause) {
      // What was half written must not stand before later entries.
      await this.cutBack(this.#sizeBytes);
      throw this.#unusable(cause);
    }
  }

  /** Forgets the entries after the first `sizeBytes`; where the disk does not let it, no more are taken. */
  async cutBack(sizeBytes: number): Promise<void> {
    try {
      await this.#file.truncate(sizeBytes);
      await this.#file.sync();
      this.#sizeBytes = sizeBytes;
    } catch (error) {
      this.#failure = error;
    }
  }

  /** Forgets all entries: they are safe elsewhere. */
  async clear(): Promise<void> {
    if (this.#sizeBytes === 0) return;
    await this.#file.truncate(0);
    await this.#file.sync();
    this.#sizeBytes = 0;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  #unusable(cause: unknown): StoreError {
    return new StoreError(
      `${this.#path}: a write cannot be kept safe; got ${cause}; make room on the disk or fix it, then write again`,
      { cause },
    );
  }
}

/** Entries of a journal before the first that does not verify, where they end, and whether the file ends there. */
export async function readJournal(
  path: string,
): Promise<{ entries: readonly JournalEntry[]; sizeBytes: number; isWhole: boolean }> {
  const bytes = await readFile(path).catch((error: unknown) => {
    if (isErrno(error, "ENOENT")) return Buffer.alloc(0);
    throw error;
  });
  const entries: JournalEntry[] = [];
  let at = 0;
  while (at + headerBytes <= bytes.length) {
    const text = bytes.subarray(at + headerBytes, at + headerBytes + bytes.readUInt32LE(at));
    if (text.length !== bytes.readUInt32LE(at) || crc32(text) !== bytes.readUInt32LE(at + 4)) break;
    const parsed = entrySchema.safeParse(JSON.parse(text.toString()));
    if (!parsed.success) {
      throw new StoreError(
        `${path}: entry ${entries.length + 1} is of another version; got ${z.prettifyError(parsed.error)}; ` +
          "open the index with the program that wrote it",
      );
    }
    const { data } = parsed;
    entries.push(data.kind === "upsert" ? { kind: "upsert", items: data.items.map(itemFromJson) } : data);
    at += headerBytes + text.length;
  }
  return { entries, sizeBytes: at, isWhole: at === bytes.length };
}
