/** Small copies of an index's pictures, named by the content of the file that they were made from. */
import { existsSync } from "node:fs";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeDurably } from "../store/durable-files.js";

const ending = ".webp";

/** `ab/cdef....webp`, WebP, each written whole and never changed. */
export class Thumbnails {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  has(picture: string): boolean {
    return existsSync(this.#fileOf(picture));
  }

  /** Where the thumbnail lies. @param picture SHA-256 of the picture's file, 64 hexadecimal digits. */
  file(picture: string): string | undefined {
    return this.has(picture) ? this.#fileOf(picture) : undefined;
  }

  /** Bytes of a WebP, or undefined where there is none. */
  async read(picture: string): Promise<Uint8Array | undefined> {
    return readFile(this.#fileOf(picture)).catch(() => undefined);
  }

  async write(picture: string, bytes: Uint8Array): Promise<void> {
    await writeDurably(this.#fileOf(picture), bytes);
  }

  /** Removes thumbnails that no item has, and what stopped writers left. */
  async keepOnly(pictures: ReadonlySet<string>): Promise<void> {
    for (const shelf of await readdir(this.#folder).catch(() => [])) {
      for (const name of await readdir(join(this.#folder, shelf))) {
        if (name.endsWith(ending) && pictures.has(shelf + name.slice(0, -ending.length))) continue;
        await rm(join(this.#folder, shelf, name), { force: true });
      }
    }
  }

  #fileOf(picture: string): string {
    if (!/^[0-9a-f]{64}$/.test(picture)) throw new RangeError(`not a picture's hash: ${picture}`);
    return join(this.#folder, picture.slice(0, 2), `${picture.slice(2)}${ending}`);
  }
}
