/** Finds image files by id: one walk over a folder, then look-ups that cannot leave it. */
import { type Dirent, existsSync, readdirSync, realpathSync } from "node:fs";
import { join, parse } from "node:path";
import { isErrno } from "../../files/errno.js";

/** File endings of the formats that can be decoded. */
export const imageEndings: readonly string[] = [".jpg", ".jpeg", ".png", ".webp"];

/** "a/b.JPG" -> "a/b"; a name without an image's ending stays as it is. */
export function withoutImageEnding(name: string): string {
  const { ext } = parse(name);
  return imageEndings.includes(ext.toLowerCase()) ? name.slice(0, -ext.length) : name;
}

/**
 * Path of every image file in `folder` and the folders inside it, by file name without ending.
 * Where a name occurs more than once, the file nearest to `folder` is taken, then the first by
 * name, so the answer does not depend on the file system. No file is opened; hidden files are not
 * images; an absent folder has none. Later changes on disk are not seen.
 * A folder that is reached in two ways, as by a link to one above it, is searched once.
 * @param depth how many levels of folders inside `folder` are searched; Infinity for all.
 */
export function indexImages(folder: string, depth: number): ReadonlyMap<string, string> {
  const index = new Map<string, string>();
  const searched = new Set<string>();
  let level = [folder];
  for (let i = 0; i <= depth && level.length > 0; i += 1) {
    const next: string[] = [];
    for (const parent of level) {
      const place = realPathOf(parent);
      if (place === undefined || searched.has(place)) continue;
      searched.add(place);
      for (const entry of entriesOf(parent)) {
        const { name: id, ext } = parse(entry.name);
        if (entry.name.startsWith(".")) continue;
        if (imageEndings.includes(ext.toLowerCase()) && !entry.isDirectory()) {
          if (!index.has(id)) index.set(id, join(parent, entry.name));
        } else if (!entry.isFile()) next.push(join(parent, entry.name)); // a link may lead to a folder
      }
    }
    level = next;
  }
  return index;
}

/** The file at a relative path below `folder`, or at the same with another image's ending; undefined where there is none. */
export function imageAt(folder: string, path: string): string | undefined {
  const stem = withoutImageEnding(path);
  const candidates = [path, ...imageEndings.map((ending) => stem + ending)];
  return candidates.map((candidate) => join(folder, candidate)).find((candidate) => existsSync(candidate));
}

/** Names of a folder's files and folders; none where there is no such folder. */
export function fileNames(folder: string): readonly string[] {
  return entriesOf(folder).map(({ name }) => name);
}

function realPathOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined; // absent, or a link to nothing
  }
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return []; // absent, or a link that is no folder
    throw error;
  }
}
