/** Keeps two fetches out of one folder. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { FetchError } from "../../errors.js";
import { claim } from "../process-lock.js";
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
  return onDisk(path, async () => {
    await mkdir(join(root, workFolder), { recursive: true });
    const claimed = await claim(path);
    if (typeof claimed === "function") return claimed;
    throw new FetchError(
      `${root}: another fetch is under way in this folder; got process ${claimed}; wait for it, or remove ${path}`,
    );
  });
}
