/** Pictures that an index keeps, named by the content of the file that was indexed: the file itself, or a small copy. */
import { existsSync } from "node:fs";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { sha256OfFile } from "../../files/sha256.js";
import { writeWhole } from "../../files/whole.js";

/** Files `ab/cdef...` and an ending, each written whole and never changed. */
export class PictureFolder {
  readonly #folder: string;
  readonly #ending: string;

  /** @param ending of every file's name, as ".webp"; may be empty. */
  constructor(folder: string, ending: string) {
    this.#folder = folder;
    this.#ending = ending;
  }

  has(picture: string): boolean {
    return existsSync(this.#fileOf(picture));
  }

  /** Where the file lies, if it does. @param picture SHA-256 of the indexed file, 64 hexadecimal digits. */
  file(picture: string): string | undefined {
    return this.has(picture) ? this.#fileOf(picture) : undefined;
  }

  /** The file's bytes, or undefined where there is none. */
  async read(picture: string): Promise<Uint8Array | undefined> {
    return readFile(this.#fileOf(picture)).catch(() => undefined);
  }

  /** Nothing is written where it is there already. */
  async write(picture: string, bytes: Uint8Array): Promise<void> {
    if (!this.has(picture)) await writeWhole(this.#fileOf(picture), bytes, { isShared: true });
  }

  /** Names of files whose bytes are not those that they are named by, for a folder of files as they were indexed. */
  async damaged(): Promise<readonly string[]> {
    const damaged: string[] = [];
    for (const shelf of await readdir(this.#folder).catch(() => [])) {
      for (const name of await readdir(join(this.#folder, shelf))) {
        if (!/^[0-9a-f]{64}$/.test(shelf + name)) continue; // left by a writer that was stopped
        if ((await sha256OfFile(join(this.#folder, shelf, name))) !== shelf + name)
          damaged.push(join(shelf, name));
      }
    }
    return damaged;
  }

  /** Removes what no item has, and what stopped writers left. */
  async keepOnly(pictures: ReadonlySet<string>): Promise<void> {
    for (const shelf of await readdir(this.#folder).catch(() => [])) {
      for (const name of await readdir(join(this.#folder, shelf))) {
        const picture =
          name.endsWith(this.#ending) && shelf + name.slice(0, name.length - this.#ending.length);
        if (picture === false || !pictures.has(picture)) {
          await rm(join(this.#folder, shelf, name), { force: true });
        }
      }
    }
  }

  #fileOf(picture: string): string {
    if (!/^[0-9a-f]{64}$/.test(picture)) throw new RangeError(`not a picture's hash: ${picture}`);
    return join(this.#folder, picture.slice(0, 2), `${picture.slice(2)}${this.#ending}`);
  }
}
