/** Writes fetched files so that a final name only ever stands for a whole file. */
import { stat } from "node:fs/promises";
import { FetchError } from "../../errors.js";
import { isErrno, type SystemError } from "../../files/errno.js";
import { writeWhole } from "../../files/whole.js";

/** Writes `bytes` whole or not at all. @throws FetchError when the disk does not allow it. */
export function storeFile(path: string, bytes: Uint8Array | string): Promise<void> {
  return writeWhole(path, bytes, { refused: (cause) => refusal(path, cause) });
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
    throw refusal(path, cause);
  }
}

function refusal(path: string, cause: SystemError): FetchError {
  return new FetchError(
    `${path}: cannot be written or read; got ${cause.code}: ${cause.message}; ` +
      "make room or check the folder's permissions, then run the same command again",
    { cause },
  );
}
