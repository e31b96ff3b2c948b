/** Rows of one size on disk, by key: append-only, checksummed, shared by processes that run at the same time. */
import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { type FileHandle, open, statfs } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { z } from "zod";
import { EnvironmentError } from "../errors.js";
import { isErrno } from "./errno.js";

/** Where a row lies, and what its bytes must add up to. */
interface Place {
  readonly rows: FileHandle;
  readonly index: number;
  readonly crc32: number;
}

/** A row to be kept. */
export interface Row {
  readonly key: string;
  readonly bytes: Uint8Array;
}

const rowsSuffix = ".rows";
const indexSuffix = ".index";
const lineSchema = z.strictObject({ key: z.string().min(1), crc32: z.int().min(0) });

/**
 * A folder of pairs of files. `NAME.rows` holds rows back to back; line i of `NAME.index` is the key and the CRC-32 of
 * row i, written when the row is complete. Every writer has a pair of its own and nothing is ever changed, so no lock
 * is needed and a stop at any time costs the row under way. Whoever opens the folder reads every pair.
 */
export class RowStore {
  readonly folder: string;
  readonly rowBytes: number;
  /** By key; a later place is a newer one. */
  readonly #places = new Map<string, Place[]>();
  readonly #files: FileHandle[] = [];
  #writer: { readonly rows: FileHandle; readonly index: FileHandle; count: number } | undefined;

  private constructor(folder: string, rowBytes: number) {
    this.folder = folder;
    this.rowBytes = rowBytes;
  }

  /** Opens a folder, or makes it. @throws EnvironmentError when it cannot be made or read. */
  static async open(folder: string, { rowBytes }: { readonly rowBytes: number }): Promise<RowStore> {
    const store = new RowStore(folder, rowBytes);
    try {
      mkdirSync(folder, { recursive: true });
      for (const file of readdirSync(folder).sort()) {
        if (file.endsWith(indexSuffix)) await store.#list(file.slice(0, -indexSuffix.length));
      }
    } catch (cause) {
      await store.close();
      throw unusable(folder, cause);
    }
    return store;
  }

  /** Is a row listed? It may still turn out to be damaged. */
  has(key: string): boolean {
    return this.#places.has(key);
  }

  /** Copies a row to `place` [rowBytes]; false when it is not there, or no longer what was written. */
  async readInto(key: string, place: Uint8Array): Promise<boolean> {
    const places = this.#places.get(key);
    while (places !== undefined) {
      const newest = places.at(-1);
      if (newest === undefined) break;
      if ((await readRow(newest, place)) && crc32(place) === newest.crc32) return true;
      const at = places.indexOf(newest);
      if (at >= 0) places.splice(at, 1); // damaged
    }
    if (places?.length === 0 && this.#places.get(key) === places) this.#places.delete(key);
    return false;
  }

  /** Keeps rows. One call at a time. @throws EnvironmentError when the disk is full or not writable. */
  async append(rows: readonly Row[]): Promise<void> {
    try {
      this.#writer ??= await this.#startPair();
      for (const { key, bytes } of rows) {
        const place = { rows: this.#writer.rows, index: this.#writer.count, crc32: crc32(bytes) };
        await writeAll(place.rows, bytes, place.index * this.rowBytes);
        await this.#writer.index.appendFile(`${JSON.stringify({ key, crc32: place.crc32 })}\n`);
        this.#writer.count += 1;
        this.#add(key, place);
      }
    } catch (cause) {
      await this.#writer?.index.close();
      this.#writer = undefined; // its index may end in half a line
      throw unusable(this.folder, cause);
    }
  }

  /** Bytes that the disk has left. */
  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.folder);
    return bavail * bsize;
  }

  /** Closes the files. Harmless when repeated. */
  async close(): Promise<void> {
    const files = this.#files.splice(0);
    await this.#writer?.index.close();
    this.#writer = undefined;
    this.#places.clear();
    await Promise.all(files.map((file) => file.close()));
  }

  /** Takes up the rows of a pair, up to the first line that is not whole. */
  async #list(name: string): Promise<void> {
    const lines = readFileSync(join(this.folder, name + indexSuffix), "utf8")
      .split("\n")
      .slice(0, -1);
    if (lines.length === 0) return;
    const rows = await open(join(this.folder, name + rowsSuffix), "r");
    this.#files.push(rows);
    for (const [index, line] of lines.entries()) {
      const entry = parseLine(line);
      if (entry === undefined) return;
      this.#add(entry.key, { rows, index, crc32: entry.crc32 });
    }
  }

  #add(key: string, place: Place): void {
    const places = this.#places.get(key);
    if (places) places.push(place);
    else this.#places.set(key, [place]);
  }

  async #startPair(): Promise<{ rows: FileHandle; index: FileHandle; count: number }> {
    const name = join(this.folder, randomUUID());
    const rows = await open(name + rowsSuffix, "wx+");
    this.#files.push(rows);
    return { rows, index: await open(name + indexSuffix, "ax"), count: 0 };
  }
}

function parseLine(line: string): z.infer<typeof lineSchema> | undefined {
  try {
    return lineSchema.parse(JSON.parse(line));
  } catch {
    return undefined; // cut short or damaged: the rows from here on are made anew
  }
}

/** False when the file ends before the row does. */
async function readRow({ rows, index }: Place, place: Uint8Array): Promise<boolean> {
  for (let done = 0; done < place.length; ) {
    const { bytesRead } = await rows.read(place, done, place.length - done, index * place.length + done);
    if (bytesRead === 0) return false;
    done += bytesRead;
  }
  return true;
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

function unusable(folder: string, cause: unknown): EnvironmentError {
  const what = isErrno(cause, "ENOSPC", "EDQUOT") ? "the disk is full" : "cannot be read or written";
  const { message } = cause as Error;
  return new EnvironmentError(
    `${folder}: ${what}; got ${message}; what was written is kept; free space, or choose another folder`,
    { cause },
  );
}
