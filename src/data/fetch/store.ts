/** Writes fetched files so that a final name only ever stands for a whole file. */
import { mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { FetchError } from "../../errors.js";
import { isErrno } from "../../files/errno.js";

/** Ending of a file that is not whole yet; loaders take no such file for an image. */
export const partialEnding = ".part";

/** Writes `bytes` beside `path` and renames. @throws FetchError when the disk does not allow it. */
export async function storeFile(path: string, bytes: Uint8Array | string): Promise<void> {
  await onDisk(path, async () => {
    await mkdir(dirname(path), { recursive: true });
    const partial = path + partialEnding;
    try {
      await writeFile(partial, bytes);
      await rename(partial, path);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
  });
}

/** Size of a file; undefined when there is none. @throws FetchError when there is something else. */
export async function fileSize(path: string): Promise<number | undefined> {
  return onDisk(path, async () => {
    try {
      const found = await stat(path);
      if (!found.isFile())
        throw new FetchError(`${path}: must be a file; got a folder or a device; move it away`);
      return found.size;
    } catch (error) {
      if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
      throw error;
    }
  });
}

/** Does something with files and says what to do when the system refuses. */
export async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!isErrno(cause)) throw cause;
    throw new FetchError(
      `${path}: cannot be written or read; got ${cause.code}: ${cause.message}; ` +
        "make room or check the folder's permissions, then run the same command again",
      { cause },
    );
  }
}
