/** Writes of items over HTTP: embedded side by side, written one after the other, acknowledged when they are durable. */
import { webcrypto } from "node:crypto";
import { thumbnail } from "../data/image.js";
import { ImageError, RequestError } from "../errors.js";
import type { CatalogueEntry } from "../retrieval/index-folder/entry.js";
import { thumbnailPx } from "../retrieval/index-folder/index-catalogue.js";
import type { ServedCatalogue } from "./served-catalogue.js";
import type { Upkeep } from "./upkeep.js";

/** What is known of an item beside its id and its picture. */
export type WrittenEntry = Omit<CatalogueEntry, "id" | "picture" | "image">;

export interface Written {
  readonly entry: CatalogueEntry;
  readonly isNew: boolean;
  /** Milliseconds until the picture was embedded, and for the write itself. */
  readonly timesMs: { readonly embed: number; readonly write: number };
}

/** What a picture brings to its item; without bytes where the index has them. */
interface Prepared {
  /** SHA-256 of the file. */
  readonly picture: string;
  readonly image?: string;
  readonly embedding: Float32Array;
  readonly original?: Uint8Array;
  readonly thumbnail?: Uint8Array;
}

function imageOf({ picture, image }: CatalogueEntry): Pick<Prepared, "picture" | "image"> {
  return { picture, ...(image === undefined ? {} : { image }) };
}

export class CatalogueWriter {
  readonly #catalogue: ServedCatalogue;
  readonly #upkeep: Upkeep;
  #last: Promise<unknown> = Promise.resolve();

  constructor(catalogue: ServedCatalogue, upkeep: Upkeep) {
    this.#catalogue = catalogue;
    this.#upkeep = upkeep;
  }

  /**
   * Adds or replaces an item.
   * @param picture a file's bytes; without it the item keeps the one that it has.
   * @throws ImageError for a picture that cannot be used; RequestError for a new item without one.
   */
  async put(id: string, written: WrittenEntry, picture: Uint8Array | undefined): Promise<Written> {
    const startMs = performance.now();
    const prepared = picture && (await this.#prepare(id, picture));
    const embeddedMs = performance.now();
    return this.#inOrder(async () => {
      const before = await this.#catalogue.index.get(id);
      const ready: Prepared | undefined =
        prepared ?? (before && { ...imageOf(before.entry), embedding: before.embedding });
      if (ready === undefined) {
        throw new RequestError(
          "INPUT_INVALID",
          `items: a new item needs a picture; got none for ${id}; send the part \`picture\``,
        );
      }
      const { embedding, thumbnail, original, ...image } = ready;
      const entry: CatalogueEntry = { id, ...written, ...image };
      await this.#catalogue.index.put([{ entry, embedding, thumbnail, original }]);
      this.#upkeep.note();
      const timesMs = { embed: embeddedMs - startMs, write: performance.now() - embeddedMs };
      return { entry, isNew: before === undefined, timesMs };
    });
  }

  /** Removes an item; one that is not there does not matter. */
  async delete(id: string): Promise<void> {
    await this.#inOrder(async () => {
      await this.#catalogue.index.delete([id]);
      this.#upkeep.note();
    });
  }

  /** Resolves when what was accepted is done. */
  async close(): Promise<void> {
    await this.#last;
    await this.#upkeep.close();
  }

  /** Everything about a picture that takes long. */
  async #prepare(id: string, original: Uint8Array): Promise<Prepared> {
    const { index, encoder } = this.#catalogue;
    // Not on this thread: 20 MiB take a while.
    const picture = Buffer.from(await webcrypto.subtle.digest("SHA-256", original)).toString("hex");
    const before = await index.get(id);
    const [embedding] =
      before?.entry.picture === picture ? [before.embedding] : await encoder.embedPictures([original]);
    if (embedding instanceof ImageError) throw embedding;
    if (embedding === undefined) throw new Error("embedPictures: gave nothing for a picture");
    return { picture, embedding, original, thumbnail: await thumbnail(original, thumbnailPx) };
  }

  #inOrder<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}
