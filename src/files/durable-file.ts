/** Writes files so that a stop, a crash or a full disk at any time leaves the old one or the new one, whole. */
import { createHash } from "node:crypto";
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { diskError } from "./errno.js";

/** What was written, to be compared with what is read later. */
export interface WrittenFile {
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** Ending of a file that is not whole yet. */
export const partialEnding = ".partial";

/**
 * Writes `parts` one after the other beside `file`, makes sure that they are on the disk, and renames.
 * @throws EnvironmentError when the disk is full or not writable; nothing of this write is left then.
 */
export function writeDurably(
  file: string,
  parts: Iterable<Uint8Array | string> & object, // a bare string is iterable too, letter by letter
): WrittenFile {
  const partial = `${file}${partialEnding}`;
  const hash = createHash("sha256");
  let sizeBytes = 0;
  try {
    const descriptor = openSync(partial, "w");
    try {
      for (const part of parts) {
        const bytes = typeof part === "string" ? Buffer.from(part) : part;
        hash.update(bytes);
        for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
        sizeBytes += bytes.length;
      }
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(partial, file);
    syncFolder(dirname(file));
  } catch (cause) {
    rmSync(partial, { force: true });
    throw diskError(file, cause);
  }
  return { sizeBytes, sha256: hash.digest("hex") };
}

/** A rename is on the disk when its folder is. Windows has no such call. */
function syncFolder(folder: string): void {
  if (process.platform === "win32") return;
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
