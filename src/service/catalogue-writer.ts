/** Writes of items over HTTP: embedded side by side, written in order, acknowledged when they are durable. */
import { webcrypto } from "node:crypto";
import { BatchQueue } from "../bundle/batch-queue.js";
import { ImageError, RequestError } from "../errors.js";
import { decodePool } from "../images/decode-pool.js";
import { thumbnail } from "../images/image.js";
import type { CatalogueEntry } from "../search/index/catalogue-entry.js";
import type { IndexedItem } from "../search/index/catalogue-index.js";
import { thumbnailPx } from "../search/index/index-catalogue.js";
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

/** An item to put, with its picture if there is a new one; without an item, an id to remove. */
interface Change {
  readonly id: string;
  readonly put?: { readonly written: WrittenEntry; readonly picture: Picture | undefined };
}

/** `hash` is the SHA-256 of the file. */
type Picture = Omit<IndexedItem, "entry"> & { readonly hash: string };

/** What became of a change. */
type Outcome = { readonly entry: CatalogueEntry | undefined; readonly isNew: boolean } | RequestError;

/** Changes made durable at once: what comes while others are written. */
const maxBatch = 32;

export class CatalogueWriter {
  readonly #catalogue: ServedCatalogue;
  readonly #upkeep: Upkeep;
  readonly #queue: BatchQueue<Change, Outcome>;

  constructor(catalogue: ServedCatalogue, upkeep: Upkeep) {
    this.#catalogue = catalogue;
    this.#upkeep = upkeep;
    this.#queue = new BatchQueue((changes) => this.#apply(changes), { maxBatch, windowMs: 0 });
  }

  /**
   * Adds or replaces an item.
   * @param original a picture's file; without it the item keeps the one that it has.
   * @throws ImageError for a picture that cannot be used; RequestError for a new item without one.
   */
  async put(id: string, written: WrittenEntry, original: Uint8Array | undefined): Promise<Written> {
    const startMs = performance.now();
    const picture = original && (await this.#prepare(id, original));
    const embeddedMs = performance.now();
    const { entry, isNew } = await this.#change({ id, put: { written, picture } });
    if (entry === undefined) throw new Error(`put: item ${id} was written and is not there`);
    const timesMs = { embed: embeddedMs - startMs, write: performance.now() - embeddedMs };
    return { entry, isNew, timesMs };
  }

  /** Removes an item; one that is not there does not matter. */
  async delete(id: string): Promise<void> {
    await this.#change({ id });
  }

  /** Resolves when what was accepted is done. */
  async close(): Promise<void> {
    await this.#queue.close();
    await this.#upkeep.close();
  }

  /** Everything about a picture that takes long. */
  async #prepare(id: string, original: Uint8Array): Promise<Picture> {
    const { index, encoder } = this.#catalogue;
    // Not on this thread: 20 MiB take a while.
    const hash = Buffer.from(await webcrypto.subtle.digest("SHA-256", original)).toString("hex");
    const before = await index.getSound(id);
    const [embedding] =
      before?.entry.picture === hash ? [before.embedding] : await encoder.embedPictures([original]);
    if (embedding instanceof ImageError) throw embedding;
    if (embedding === undefined) throw new Error("embedPictures: gave nothing for a picture");
    const small = await decodePool.during("pictures", () => thumbnail(original, thumbnailPx));
    return { hash, embedding, original, thumbnail: small };
  }

  async #change(change: Change) {
    const [outcome] = await this.#queue.addAll("pictures", [change]);
    if (outcome === undefined || outcome instanceof RequestError) throw outcome;
    this.#upkeep.note();
    return outcome;
  }

  /** Makes changes one after the other, and writes what they come to. */
  async #apply(changes: readonly Change[]): Promise<readonly Outcome[]> {
    const { index } = this.#catalogue;
    const items = new Map<string, IndexedItem | undefined>();
    for (const { id } of changes) if (!items.has(id)) items.set(id, await index.getSound(id));
    const changed = new Set<string>();
    const outcomes = changes.map(({ id, put }): Outcome => {
      const before = items.get(id);
      const after = put && itemAfter(id, put, before);
      if (after instanceof RequestError) return after;
      items.set(id, after);
      changed.add(id);
      return { entry: after?.entry, isNew: before === undefined };
    });
    const puts = [...changed].flatMap((id) => items.get(id) ?? []);
    await index.put(puts);
    await index.delete([...changed].filter((id) => items.get(id) === undefined));
    return outcomes;
  }
}

/** The item that a change makes of another. */
function itemAfter(
  id: string,
  { written, picture: fresh }: NonNullable<Change["put"]>,
  before: IndexedItem | undefined,
): IndexedItem | RequestError {
  if (fresh !== undefined) {
    const { hash, ...rest } = fresh;
    return { ...rest, entry: { id, ...written, picture: hash } };
  }
  if (before === undefined) {
    return new RequestError(
      "INPUT_INVALID",
      `items: a new item needs a picture; got none for ${id}; send the part \`picture\``,
    );
  }
  const { picture, image } = before.entry;
  const kept = image === undefined ? { picture } : { picture, image };
  return { ...before, entry: { id, ...written, ...kept } };
}
