/** The pictures of an index's items: the catalogue's own files, files that the index keeps, and small copies. */
import { realpath, stat } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import { codeOf } from "../../files/errno.js";
import { sha256OfFile } from "../../files/sha256.js";
import type { CatalogueEntry } from "./catalogue-entry.js";
import { indexFiles } from "./manifest.js";
import { PictureFolder } from "./picture-folder.js";

/** Hashes of files remembered. */
const rememberedHashes = 10_000;

export class CataloguePictures {
  readonly thumbnails: PictureFolder;
  readonly originals: PictureFolder;
  /** Folder of the catalogue's pictures that the operator named. */
  readonly #named: string | undefined;
  /** By path, size and time of change. */
  readonly #hashes = new Map<string, string>();

  constructor(folder: string, named: string | undefined) {
    this.thumbnails = new PictureFolder(join(folder, indexFiles.thumbnails), ".webp");
    this.originals = new PictureFolder(join(folder, indexFiles.pictures), "");
    this.#named = named === undefined ? undefined : resolve(named);
  }

  /**
   * The catalogue's own file of an item's picture, else the index's, else its thumbnail; undefined when all are gone.
   *
   * An index may come from a stranger. Of a folder that only the index names, a file is used when it is byte for byte
   * the one that was indexed: the index cannot show what whoever made it did not have. Of a folder that the operator
   * names, any file inside it is used.
   * @param imageRoot what the index says.
   */
  async file(
    { image, picture }: Pick<CatalogueEntry, "image" | "picture">,
    imageRoot: string | undefined,
  ): Promise<string | undefined> {
    const root = this.#named ?? imageRoot;
    const file = image === undefined || root === undefined ? undefined : resolve(root, image);
    if (file !== undefined && root !== undefined && isInside(root, file)) {
      if (this.#named !== undefined && (await isReallyInside(root, file))) return file;
      if ((await this.#hashOf(file)) === picture) return file;
    }
    const kept = this.originals.file(picture);
    if (kept !== undefined && (await this.#hashOf(kept)) === picture) return kept;
    return this.thumbnails.file(picture);
  }

  /** SHA-256 of a file; undefined where there is none. */
  async #hashOf(file: string): Promise<string | undefined> {
    try {
      const { size, mtimeNs, ino } = await stat(file, { bigint: true });
      const stamp = `${file} ${ino} ${size} ${mtimeNs}`;
      const known = this.#hashes.get(stamp);
      if (known !== undefined) return known;
      const hash = await sha256OfFile(file);
      if (this.#hashes.size >= rememberedHashes) this.#hashes.clear();
      this.#hashes.set(stamp, hash);
      return hash;
    } catch (error) {
      if (codeOf(error) !== undefined) return undefined;
      throw error;
    }
  }
}

function isInside(folder: string, file: string): boolean {
  const way = relative(resolve(folder), file);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && resolve(way) !== way;
}

/** Links followed. */
async function isReallyInside(folder: string, file: string): Promise<boolean> {
  try {
    return isInside(await realpath(folder), await realpath(file));
  } catch {
    return false; // there is no such file
  }
}
