/** Finds image files by id: one walk over a folder, then look-ups that cannot leave it. */
import { type Dirent, readdirSync } from "node:fs";
import { join, parse } from "node:path";

/** File endings of the formats that can be decoded. */
const endings = new Set([".jpg", ".jpeg", ".png", ".webp"]);

/**
 * Path of every image file in `folder` and the folders inside it, by file name without ending.
 * Where a name occurs more than once, the file nearest to `folder` is taken, then the first by
 * name, so the answer does not depend on the file system. No file is opened; hidden files are not
 * images; an absent folder has none. Later changes on disk are not seen.
 * @param depth how many levels of folders inside `folder` are searched.
 */
export function indexImages(folder: string, depth: number): ReadonlyMap<string, string> {
  const index = new Map<string, string>();
  let level = [folder];
  for (let i = 0; i <= depth; i += 1) {
    const next: string[] = [];
    for (const parent of level) {
      for (const entry of entriesOf(parent)) {
        const { name: id, ext } = parse(entry.name);
        if (entry.name.startsWith(".")) continue;
        if (endings.has(ext.toLowerCase()) && !entry.isDirectory()) {
          if (!index.has(id)) index.set(id, join(parent, entry.name));
        } else if (!entry.isFile()) next.push(join(parent, entry.name)); // a link may lead to a folder
      }
    }
    level = next;
  }
  return index;
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return []; // absent, or a link that is no folder
    throw error;
  }
}
