/** Makes files survive a loss of power: fsync of what is new, and of the folders that name it. */
import { closeSync, type Dirent, fsyncSync, openSync, readdirSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { isErrno } from "./errno.js";

/** What systems say that cannot sync folders, and of files that went while we looked. */
const harmless = ["ENOENT", "EISDIR", "EPERM", "EINVAL"];
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
    if (!isErrno(error, ...harmless)) throw error;
  }
}

/** As `syncPath`. */
export function syncPathSync(path: string): void {
  try {
    const descriptor = openSync(path, "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (!isErrno(error, ...harmless)) throw error;
  }
}

/** fsync of everything in a folder, and of the folder. */
export function syncTreeSync(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) syncTreeSync(path);
    else syncPathSync(path);
  }
  syncPathSync(folder);
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
