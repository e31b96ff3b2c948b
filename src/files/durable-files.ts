/** Makes files survive a loss of power: fsync of what is new, and of the folders that name it. */
import { randomUUID } from "node:crypto";
import { type Dirent, readdirSync, statSync } from "node:fs";
import { mkdir, open, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { isErrno } from "./errno.js";

/** Files synced at a time. */
const parallel = 16;

/** Remembers which files of a folder are safe. */
export class DurableFolder {
  readonly #folder: string;
  /** Length by path, of files that were synced at that length. */
  #safe = new Map<string, number>();

  /** @param folder what is in it now counts as safe only after `sync`. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Syncs every file that is new or has grown, and the folders they are in. Files that vanish meanwhile do not matter.
   * @returns bytes of all files, by their names relative to the folder.
   */
  async sync(): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>();
    collect(this.#folder, found);
    const fresh = [...found].filter(([path, size]) => this.#safe.get(path) !== size).map(([path]) => path);
    const folders = new Set<string>();
    for (const path of fresh) {
      for (let folder = dirname(path); folder.length >= this.#folder.length; folder = dirname(folder)) {
        folders.add(folder);
      }
    }
    await inParallel(fresh, syncPath);
    await inParallel([...folders], syncPath);
    this.#safe = found;
    return new Map([...found].map(([path, sizeBytes]) => [relative(this.#folder, path), sizeBytes]));
  }
}

/** fsync of a file or a folder. Systems that cannot sync folders (Windows) keep their names without it. */
export async function syncPath(path: string): Promise<void> {
  try {
    const handle = await open(path, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!isErrno(error, "ENOENT", "EISDIR", "EPERM", "EINVAL")) throw error;
  }
}

/**
 * Writes a file that is there whole or not at all, and survives a loss of power once this resolves.
 * @param mode who may read and write it; as for any new file by default.
 */
export async function writeDurably(
  path: string,
  content: string | Uint8Array,
  { mode = 0o666 }: { readonly mode?: number } = {},
): Promise<void> {
  const partial = `${path}.${randomUUID()}.partial`;
  await mkdir(dirname(path), { recursive: true });
  try {
    await writeFile(partial, content, { flag: "wx", flush: true, mode });
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  await syncPath(dirname(path));
}

async function inParallel<T>(values: readonly T[], work: (value: T) => Promise<void>): Promise<void> {
  for (let start = 0; start < values.length; start += parallel) {
    await Promise.all(values.slice(start, start + parallel).map(work));
  }
}

function collect(folder: string, found: Map<string, number>): void {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return; // it went while we looked
  }
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) collect(path, found);
    else {
      const size = statSync(path, { throwIfNoEntry: false })?.size;
      if (size !== undefined) found.set(path, size);
    }
  }
}
