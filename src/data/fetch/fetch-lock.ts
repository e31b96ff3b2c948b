/** Keeps two fetches out of one folder. */
import { join } from "node:path";
import { FetchError } from "../../errors.js";
import { claimLock } from "../../files/folder-lock.js";
import { onDisk } from "./store.js";

/** Folder, in the data set's, of what is there only while something is fetched. */
export const workFolder = ".fetch";

/**
 * Claims a folder for this process; a claim of a process that is gone does not count.
 * @returns gives the folder free.
 * @throws FetchError when another process fetches into it.
 */
export async function lockFolder(root: string): Promise<() => Promise<void>> {
  const path = join(root, workFolder, "lock");
  const busy = (owner: number) =>
    new FetchError(
      `${root}: another fetch is under way in this folder; got process ${owner}; wait for it, or remove ${path}`,
    );
  return onDisk(path, () => claimLock(path, busy));
}
