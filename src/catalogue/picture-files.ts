/** Finds the files of a catalogue's pictures: by any spelling of their names, and only inside the catalogue's folder. */
import { readdirSync, realpathSync, statSync } from "node:fs";
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import { codeOf } from "../files/errno.js";
import { CellProblem } from "./catalogue-item.js";

export interface PictureFilesOptions {
  /** May links lead out of the folder? */
  readonly allowLinks: boolean;
}

/** The pictures of one folder. */
export class PictureFiles {
  readonly #root: string;
  readonly #allowLinks: boolean;
  /** Names on disk by their composed form, for folders in which a name was not found as it is written. */
  readonly #names = new Map<string, ReadonlyMap<string, string>>();

  constructor(root: string, { allowLinks }: PictureFilesOptions) {
    this.#root = resolve(root);
    this.#allowLinks = allowLinks;
  }

  /**
   * The path of a file as the disk spells it: names are as written, or the same but for composed and decomposed letters.
   * @param path below the folder, with slashes.
   */
  find(path: string): string | CellProblem {
    const found = this.#realPath(path) === undefined ? (this.#onDisk(path) ?? path) : path;
    try {
      const place = realpathSync(join(this.#root, found));
      if (!this.#allowLinks && this.#isOutside(place)) {
        return new CellProblem(
          `${path}: is a link that leads out of the catalogue's folder; got ${place}; copy the file there, or give --allow-links`,
        );
      }
      if (statSync(place).isFile()) return found;
      return new CellProblem(`${path}: the picture cannot be read; it is no file`);
    } catch (error) {
      const code = codeOf(error);
      if (code === undefined) throw error;
      return new CellProblem(`${path}: the picture cannot be read; got ${code}`);
    }
  }

  #realPath(path: string): string | undefined {
    try {
      return realpathSync(join(this.#root, path));
    } catch {
      return undefined; // `find` says why
    }
  }

  #isOutside(place: string): boolean {
    const way = relative(realpathSync(this.#root), place);
    return way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way);
  }

  #onDisk(path: string): string | undefined {
    const parts: string[] = [];
    for (const part of path.split("/")) {
      const name = this.#namesIn(parts.join("/")).get(part.normalize("NFC"));
      if (name === undefined) return undefined;
      parts.push(name);
    }
    return parts.join("/");
  }

  #namesIn(folder: string): ReadonlyMap<string, string> {
    const known = this.#names.get(folder);
    if (known !== undefined) return known;
    const names = new Map(namesOf(join(this.#root, folder)).map((name) => [name.normalize("NFC"), name]));
    this.#names.set(folder, names);
    return names;
  }
}

function namesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // no folder: the file in it is not there either
  }
}
