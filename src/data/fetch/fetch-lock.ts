/** Keeps two fetches out of one folder. */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FetchError } from "../../errors.js";
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
    for (;;) {
      try {
        await writeFile(path, String(process.pid), { flag: "wx" });
        return () => rm(path, { force: true });
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
      }
      const owner = Number(await readFile(path, "utf8"));
      if (isRunning(owner)) {
        throw new FetchError(
          `${root}: another fetch is under way in this folder; got process ${owner}; wait for it, or remove ${path}`,
        );
      }
      await rm(path, { force: true });
    }
  });
}

function isRunning(processId: number): boolean {
  if (!Number.isInteger(processId) || processId <= 0) return false;
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
