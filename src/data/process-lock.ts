/** A file that says which process works in a folder. */
import { readFile, rm, writeFile } from "node:fs/promises";

/** Claims of this process: in a container, one that is gone may have had the same number. */
const ownClaims = new Set<string>();

/** Gives the place free. */
export type Release = () => Promise<void>;

/**
 * Claims `path` for this process; a claim of a process that is gone does not count.
 * @returns the release, or the number of the process that holds it. @throws what the system says of the file.
 */
export async function claim(path: string): Promise<Release | number> {
  for (;;) {
    try {
      await writeFile(path, String(process.pid), { flag: "wx" });
      ownClaims.add(path);
      return async () => {
        await rm(path, { force: true });
        ownClaims.delete(path);
      };
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    }
    const owner = Number(await readFile(path, "utf8"));
    if (owner === process.pid ? ownClaims.has(path) : isRunning(owner)) return owner;
    await rm(path, { force: true });
  }
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
