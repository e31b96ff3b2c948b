/** Resized images on disk for later epochs and runs: bounded, checksummed, safe to interrupt and to share. */
import { open, readdir, readFile, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { partialEnding, writeWhole } from "./whole.js";

/** Where entries are kept and how many. */
export interface DiskCacheOptions {
  readonly folder: string;
  /** Bound on the sum of all entries, whoever wrote them. */
  readonly maxBytes?: number;
}

/** What a cache met so far. */
export interface DiskCacheStatistics {
  /** Entries of this process. */
  readonly written: number;
  /** Entries whose checksum was wrong; removed. */
  readonly damaged: number;
  /** Entries that were not written for want of room, or of a disk that takes them. */
  readonly refused: number;
  /** Why the disk took none, once it did not; nothing is written from then on. */
  readonly failure: string | undefined;
}

/** 50,000 images of 256 px. */
export const defaultDiskCacheBytes = 10e9;
/** Entries used within this time stay: an epoch over more images than fit must not push out what it needs next. */
const keptMs = 24 * 3600_000;
/** Unfinished files of stopped processes are removed after this time. */
const abandonedMs = 3600_000;

const magic = Buffer.from("SDFNRGB1", "latin1");
const keyBytes = 32;
/** magic, key, CRC-32 of key and content, content. */
const headerBytes = magic.length + keyBytes + 4;

/**
 * Content by key, one file each. A file is written beside its place and renamed there, so it is there whole or not at
 * all; what a crash of the machine leaves behind fails its checksum and is made anew. Processes that share a folder
 * write the same content under the same key. When the bound is reached, entries that were not used for a day make room;
 * if there are none, no more are kept.
 */
export class DiskCache {
  readonly #folder: string;
  readonly #maxBytes: number;
  #sizeBytes: number | undefined;
  #writtenSinceScan = 0;
  #scanning: Promise<void> | undefined;
  #written = 0;
  #damaged = 0;
  #refused = 0;
  #failure: string | undefined;

  constructor({ folder, maxBytes = defaultDiskCacheBytes }: DiskCacheOptions) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
  }

  get statistics(): DiskCacheStatistics {
    return {
      written: this.#written,
      damaged: this.#damaged,
      refused: this.#refused,
      failure: this.#failure,
    };
  }

  /** Is there an entry of this length? It may be damaged: only `read` looks. */
  async has(key: string, byteCount: number): Promise<boolean> {
    const found = await stat(this.#fileOf(key)).catch(() => undefined);
    return found?.size === headerBytes + byteCount;
  }

  /**
   * The content, or undefined when there is none or it is damaged.
   * @param key 64 hexadecimal digits.
   */
  async read(key: string, byteCount: number): Promise<Uint8Array | undefined> {
    const file = this.#fileOf(key);
    const entry = await readEntry(file);
    if (entry === undefined) return undefined;
    const content = entry.bytes.subarray(headerBytes);
    const isWhole =
      content.length === byteCount && entry.bytes.subarray(0, headerBytes).equals(header(key, content));
    if (!isWhole) {
      this.#damaged += 1;
      await rm(file, { force: true }).catch(() => undefined); // decoded again each time where it cannot be removed
      return undefined;
    }
    const now = new Date();
    if (now.getTime() - entry.usedMs > keptMs / 2) await utimes(file, now, now).catch(() => undefined);
    return content;
  }

  /** Keeps content if there is room and the disk takes it. Never throws: a cache that fails only costs time. */
  async write(key: string, content: Uint8Array): Promise<void> {
    const size = headerBytes + content.length;
    if (this.#failure !== undefined) {
      this.#refused += 1;
      return;
    }
    const file = this.#fileOf(key);
    try {
      if (!(await this.#makeRoom(size))) {
        this.#refused += 1;
        return;
      }
      // Not durable: what a loss of power leaves fails its checksum.
      const refused = (cause: Error) => cause;
      await writeWhole(file, [header(key, content), content], { isShared: true, isDurable: false, refused });
      this.#written += 1;
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
      this.#refused += 1;
    }
  }

  /** Reserves `size` bytes. Looks at the folder at first, and again when a sixteenth of the bound was written. */
  async #makeRoom(size: number): Promise<boolean> {
    if (size > this.#maxBytes) return false;
    const isStale = () => this.#sizeBytes === undefined || this.#writtenSinceScan > this.#maxBytes / 16;
    if (isStale()) {
      this.#scanning ??= this.#scan().finally(() => {
        this.#scanning = undefined;
      });
      await this.#scanning;
    }
    const current = this.#sizeBytes ?? 0;
    if (current + size > this.#maxBytes) return false;
    this.#sizeBytes = current + size;
    this.#writtenSinceScan += size;
    return true;
  }

  /** Adds up all entries; removes abandoned files and, above seven eighths of the bound, the longest unused entries. */
  async #scan(): Promise<void> {
    const now = Date.now();
    const entries: { file: string; size: number; usedMs: number }[] = [];
    for (const shelf of await namesIn(this.#folder)) {
      const files = (await namesIn(join(this.#folder, shelf))).map((name) => join(this.#folder, shelf, name));
      const found = await Promise.all(files.map((file) => stat(file).catch(() => undefined)));
      for (const [i, file] of files.entries()) {
        const { size, mtimeMs } = found[i] ?? {};
        if (size === undefined || mtimeMs === undefined) continue; // another process removed it
        if (file.endsWith(partialEnding) && now - mtimeMs > abandonedMs) await rm(file, { force: true });
        else entries.push({ file, size, usedMs: mtimeMs });
      }
    }
    let sizeBytes = entries.reduce((sum, { size }) => sum + size, 0);
    const unused = entries.filter(({ usedMs }) => now - usedMs > keptMs).sort((a, b) => a.usedMs - b.usedMs);
    for (const { file, size } of unused) {
      if (sizeBytes <= (this.#maxBytes * 7) / 8) break;
      await rm(file, { force: true });
      sizeBytes -= size;
    }
    this.#sizeBytes = sizeBytes;
    this.#writtenSinceScan = 0;
  }

  #fileOf(key: string): string {
    return join(this.#folder, key.slice(0, 2), `${key.slice(2)}.rgb`);
  }
}

/** What a user should know of a cache that does not keep everything; undefined when it does. */
export function describeDiskTrouble({ refused, failure }: DiskCacheStatistics): string | undefined {
  if (refused === 0) return undefined;
  const reason =
    failure === undefined
      ? "it is full; allow it more with --image-cache-gb"
      : `got ${failure}; choose another folder with --image-cache, or "off"`;
  return `image cache: ${refused} images are not kept on disk; ${reason}`;
}

function header(key: string, content: Uint8Array): Buffer {
  const result = Buffer.alloc(headerBytes);
  magic.copy(result);
  result.write(key, magic.length, "hex");
  result.writeUInt32LE(crc32(content, crc32(key)), headerBytes - 4);
  return result;
}

/** A file and when it was last used, or undefined where it cannot be read. */
async function readEntry(file: string): Promise<{ bytes: Buffer; usedMs: number } | undefined> {
  const handle = await open(file).catch(() => undefined);
  if (!handle) return undefined;
  try {
    const { mtimeMs } = await handle.stat();
    return { bytes: await readFile(handle), usedMs: mtimeMs };
  } catch {
    return undefined; // a failing disk: the image itself is decoded instead
  } finally {
    await handle.close();
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}
