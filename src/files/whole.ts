/** Writes files and folders whole or not at all: a stop, a crash or a full disk at any time leaves the old or the new. */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { mkdir, open, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { DurableFolder, syncPath, syncPathSync, syncTreeSync } from "./durable-files.js";
import { diskError, isErrno, type SystemError } from "./errno.js";
import { isAlive } from "./folder-lock.js";

/** Ending of what is not whole yet. It lies beside its place and is renamed. */
export const partialEnding = ".partial";
/** Ending of a folder that is being replaced. */
const oldEnding = ".old";

export interface WholeOptions {
  /** Makes the error for a system call that failed; EnvironmentError by default. */
  readonly refused?: (cause: SystemError) => unknown;
  /** Must it survive a loss of power? True by default; where it need not, a file may be empty after one. */
  readonly isDurable?: boolean;
}

export interface WholeFileOptions extends WholeOptions {
  /**
   * May another write of the same file be under way? Then each has a partial file of its own, and those that stopped
   * processes leave are the caller's to remove. By default a file has one partial file, which the next write replaces.
   */
  readonly isShared?: boolean;
  /** Who may read and write it; as for any new file by default. */
  readonly mode?: number;
}

export interface WholeFolderOptions extends WholeOptions {
  /**
   * May a folder that holds something be replaced? It is moved aside first: a crash in that moment leaves the old one
   * beside the place until a new one is whole. By default only an empty one is replaced.
   */
  readonly isReplaced?: boolean;
}

/** A file's content; parts are written one after the other. */
export type Content = string | Uint8Array | Iterable<string | Uint8Array>;

/**
 * Writes a file; the folder around it is made where there is none.
 * @throws EnvironmentError, or what `refused` makes, when the disk is full or not writable; nothing of it is left then.
 */
export function writeWhole(file: string, content: Content, options: WholeFileOptions = {}): Promise<void> {
  const { isShared = false, isDurable = true, mode = 0o666 } = options;
  const partial = isShared ? ownName(file, partialEnding) : `${file}${partialEnding}`;
  return put(file, partial, options, async () => {
    const handle = await open(partial, "wx", mode);
    try {
      for (const part of partsOf(content)) await handle.writeFile(part);
      if (isDurable) await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(partial, file);
  });
}

/** As `writeWhole`. @throws what it does, at once. */
export function writeWholeSync(file: string, content: Content, options: WholeFileOptions = {}): void {
  const { isShared = false, isDurable = true, mode = 0o666 } = options;
  const partial = isShared ? ownName(file, partialEnding) : `${file}${partialEnding}`;
  putSync(file, partial, options, () => {
    const descriptor = openSync(partial, "wx", mode);
    try {
      for (const part of partsOf(content)) writeFileSync(descriptor, part);
      if (isDurable) fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(partial, file);
  });
}

/**
 * Writes a folder. What writes of the same folder left whose processes have ended is removed.
 * @param fill writes the folder's files into the folder that it is given, which is there and empty.
 * @throws what `fill` throws; EnvironmentError, or what `refused` makes, when the disk is full or not writable, or
 *   something lies at the folder's place. Nothing of the new folder is left then, and the old one is where it was.
 */
export async function writeWholeFolder(
  folder: string,
  fill: (partial: string) => Promise<void>,
  options: WholeFolderOptions = {},
): Promise<void> {
  const { isReplaced = false, isDurable = true } = options;
  const partial = ownName(folder, partialEnding);
  await removeLeftovers(folder, partialEnding);
  await put(folder, partial, options, async () => {
    await mkdir(partial);
    await fill(partial);
    if (isDurable) await new DurableFolder(partial).sync();
    if (isReplaced) return replace(partial, folder);
    await rmdir(folder).catch(ifMissing); // Windows renames onto no folder, not even an empty one
    await rename(partial, folder);
  });
  if (isReplaced) await removeLeftovers(folder, oldEnding);
}

/** As `writeWholeFolder`. @throws what it does, at once. */
export function writeWholeFolderSync(
  folder: string,
  fill: (partial: string) => void,
  options: WholeOptions = {},
): void {
  const { isDurable = true } = options;
  const partial = ownName(folder, partialEnding);
  for (const left of leftovers(folder, partialEnding)) removeSync(left);
  putSync(folder, partial, options, () => {
    mkdirSync(partial);
    fill(partial);
    if (isDurable) syncTreeSync(partial);
    try {
      rmdirSync(folder);
    } catch (error) {
      ifMissing(error);
    }
    renameSync(partial, folder);
  });
}

/** Partial files and folders of this process that are being written. */
const underWay = new Set<string>();

/** Clears the way, lets `write` make the partial and rename it, and leaves nothing of it when that fails. */
async function put(
  place: string,
  partial: string,
  { refused, isDurable = true }: WholeOptions,
  write: () => Promise<void>,
): Promise<void> {
  underWay.add(partial);
  try {
    const made = await mkdir(dirname(place), { recursive: true });
    await rm(partial, { force: true });
    await write();
    if (isDurable) for (const folder of namingFolders(place, made)) await syncPath(folder);
  } catch (cause) {
    await remove(partial);
    throw refusal(place, cause, refused);
  } finally {
    underWay.delete(partial);
  }
}

/** As `put`. */
function putSync(
  place: string,
  partial: string,
  { refused, isDurable = true }: WholeOptions,
  write: () => void,
): void {
  try {
    const made = mkdirSync(dirname(place), { recursive: true });
    rmSync(partial, { force: true });
    write();
    if (isDurable) for (const folder of namingFolders(place, made)) syncPathSync(folder);
  } catch (cause) {
    removeSync(partial);
    throw refusal(place, cause, refused);
  }
}

/** Folders whose names are new on the way to a place: the one that it is in, and those around what was made for it. */
function namingFolders(place: string, made: string | undefined): readonly string[] {
  const folders = [dirname(resolve(place))];
  for (let last = folders[0]; made !== undefined && last?.startsWith(resolve(made)); ) {
    last = dirname(last);
    folders.push(last);
  }
  return folders;
}

/** Removes what is not needed; where that fails, the error that matters is another one. */
async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => undefined);
}

/** As `remove`. */
function removeSync(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // as above
  }
}

function refusal(place: string, cause: unknown, refused: WholeOptions["refused"]): unknown {
  return refused && isErrno(cause) ? refused(cause) : diskError(place, cause);
}

/** Renames a folder onto one that may hold something. */
async function replace(partial: string, folder: string): Promise<void> {
  const aside = ownName(folder, oldEnding);
  const isThere = await rename(folder, aside).then(
    () => true,
    (error) => {
      ifMissing(error);
      return false;
    },
  );
  try {
    await rename(partial, folder);
  } catch (error) {
    if (isThere) await rename(aside, folder);
    throw error;
  }
  if (isThere) await remove(aside);
}

/** "runs/a.4711-9f86d081.partial": of this process, and of this write. */
function ownName(place: string, ending: string): string {
  return `${place}.${process.pid}-${randomBytes(4).toString("hex")}${ending}`;
}

async function removeLeftovers(folder: string, ending: string): Promise<void> {
  for (const left of leftovers(folder, ending)) await remove(left);
}

/** Folders beside a place that writes of it left whose processes have ended. */
function leftovers(place: string, ending: string): readonly string[] {
  const start = `${basename(place)}.`;
  return namesIn(dirname(place)).flatMap((name) => {
    if (!name.startsWith(start) || !name.endsWith(ending)) return [];
    const processId = /^(\d+)-[0-9a-f]{8}$/.exec(name.slice(start.length, -ending.length))?.[1];
    if (processId === undefined) return [];
    const path = join(dirname(place), name);
    const isOurs = Number(processId) === process.pid; // or of a process that had this number before
    return (isOurs ? underWay.has(path) : isAlive(Number(processId))) ? [] : [path];
  });
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // making it says why
  }
}

function ifMissing(error: unknown): void {
  if (!isErrno(error, "ENOENT")) throw error;
}

function partsOf(content: Content): Iterable<string | Uint8Array> {
  return typeof content === "string" || content instanceof Uint8Array ? [content] : content;
}
