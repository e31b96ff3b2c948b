/** Takes images out of a tar or tar.gz file that may have been made to do harm. */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { Parser, type ReadEntry } from "tar";
import { FetchError } from "../../errors.js";
import { codeOf } from "../../files/errno.js";
import { safeRelativePath } from "./safe-path.js";
import { onDisk } from "./store.js";

/** An archive that is damaged, or larger than its limits. */
export class ArchiveError extends FetchError {
  constructor(file: string, problem: string, options?: ErrorOptions) {
    super(`${file}: the archive ${problem}; get it again, or another one`, options);
  }
}

/** Limits on what an archive may hold. */
export interface ArchiveLimits {
  readonly maxEntries: number;
  /** Of all entries together, unpacked. */
  readonly maxTotalBytes: number;
  /** Of one entry that is taken. */
  readonly maxFileBytes: number;
}

/** How to unpack an archive. */
export interface UnpackOptions {
  readonly limits: ArchiveLimits;
  readonly signal: AbortSignal;
  /** Is the file at this path wanted? Paths are relative and cannot lead out of a folder. */
  isWanted(path: string): boolean;
  /** Called with the bytes of a wanted file. Several calls may be under way. */
  take(path: string, bytes: Uint8Array): Promise<void>;
  /** Called now and then with how much of the archive, packed, has been read. */
  onBytes(done: number, total: number): void;
}

/** An entry that was refused. */
export interface RefusedEntry {
  readonly path: string;
  readonly reason: string;
}

/** Entries whose contents are bytes. Everything else (links, devices, pipes) is never made. */
const fileTypes = new Set(["File", "OldFile", "ContiguousFile"]);
const folderTypes = new Set(["Directory", "GNUDumpDir"]);
const gzipStart = [0x1f, 0x8b];
/** Unpacked at once: some dozen photos, checked together. */
const chunkBytes = 256 * 1024;

/**
 * Reads an archive once, from beginning to end. Nothing is written here: links, devices and paths that lead out are
 * only reported, and limits hold before a byte of an entry is kept.
 * @throws ArchiveError when it is damaged, cut off, or larger than the limits.
 */
export async function unpackArchive(
  file: string,
  { limits, signal, isWanted, take, onBytes }: UnpackOptions,
): Promise<readonly RefusedEntry[]> {
  const refused: RefusedEntry[] = [];
  const complete: { readonly path: string; readonly bytes: Uint8Array }[] = [];
  let problem: string | undefined;
  let entryCount = 0;
  let announcedBytes = 0;

  const onReadEntry = (entry: ReadEntry): void => {
    entryCount += 1;
    announcedBytes += entry.size;
    if (entryCount > limits.maxEntries) problem ??= `has more than ${limits.maxEntries} entries`;
    if (announcedBytes > limits.maxTotalBytes)
      problem ??= `unpacks to more than ${limits.maxTotalBytes} bytes`;
    const path = wantedPath(entry, { limits, isWanted, refused });
    if (problem !== undefined || path === undefined) {
      entry.resume();
      return;
    }
    const chunks: Buffer[] = [];
    entry.on("data", (chunk) => chunks.push(chunk));
    entry.on("end", () => complete.push({ path, bytes: Buffer.concat(chunks) }));
  };
  const parser = new Parser({
    brotli: false,
    zstd: false,
    onReadEntry,
    onwarn(code, message) {
      if (code !== "TAR_ENTRY_UNSUPPORTED" && code !== "TAR_ENTRY_INFO")
        problem ??= `is damaged; got ${message}`;
    },
  });
  parser.on("error", (error: Error) => {
    problem ??= `is damaged; got ${error.message}`;
  });
  const expectWell = (): void => {
    if (problem !== undefined) throw new ArchiveError(file, problem);
  };
  const takeComplete = async (): Promise<void> => {
    expectWell();
    await Promise.all(complete.splice(0).map(({ path, bytes }) => take(path, bytes)));
  };

  const { isGzip, sizeBytes } = await look(file);
  const source = createReadStream(file, { highWaterMark: chunkBytes });
  const gunzip = isGzip ? createGunzip({ chunkSize: chunkBytes }) : undefined;
  source.on("error", (error) => gunzip?.destroy(error));
  let unpackedBytes = 0;
  try {
    for await (const chunk of (gunzip ? source.pipe(gunzip) : source) as AsyncIterable<Buffer>) {
      signal.throwIfAborted();
      // Headers and what lies behind the last entry count too, and only one layer of gzip is taken off.
      if (unpackedBytes === 0 && isGzip && isGzipStart(chunk)) problem ??= "is a gzip file inside another";
      unpackedBytes += chunk.length;
      if (unpackedBytes > limits.maxTotalBytes) {
        problem ??= `unpacks to more than ${limits.maxTotalBytes} bytes`;
      }
      expectWell();
      parser.write(chunk);
      await takeComplete();
      onBytes(source.bytesRead, sizeBytes);
    }
    parser.end();
    await takeComplete();
  } catch (cause) {
    if (!isZlibError(cause)) throw cause;
    throw new ArchiveError(file, `is damaged; got ${cause.message}`, { cause });
  } finally {
    source.destroy();
    gunzip?.destroy();
  }
  return refused;
}

/** Path of an entry that is a wanted, harmless file. */
function wantedPath(
  entry: ReadEntry,
  { limits, isWanted, refused }: Pick<UnpackOptions, "limits" | "isWanted"> & { refused: RefusedEntry[] },
): string | undefined {
  const refuse = (reason: string): undefined => {
    refused.push({ path: entry.path, reason });
  };
  if (folderTypes.has(entry.type)) return undefined;
  if (!fileTypes.has(entry.type)) return refuse(`is no plain file but a ${entry.type}`);
  const path = safeRelativePath(entry.path);
  if (path === undefined) {
    // Hidden files (macOS adds one to each) are common and harmless.
    const isHidden = /(?:^|\/)\.[^./]/.test(entry.path);
    return isHidden ? undefined : refuse("is not a path inside the data set");
  }
  if (!isWanted(path)) return undefined;
  if (entry.size > limits.maxFileBytes) return refuse(`is larger than ${limits.maxFileBytes} bytes`);
  return path;
}

async function look(path: string): Promise<{ readonly isGzip: boolean; readonly sizeBytes: number }> {
  return onDisk(path, async () => {
    const file = await open(path);
    try {
      const start = Buffer.alloc(gzipStart.length);
      await file.read(start, 0, start.length, 0);
      return { isGzip: isGzipStart(start), sizeBytes: (await file.stat()).size };
    } finally {
      await file.close();
    }
  });
}

function isGzipStart(bytes: Uint8Array): boolean {
  return gzipStart.every((byte, index) => bytes[index] === byte);
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && /^Z_/.test(codeOf(error) ?? "");
}
