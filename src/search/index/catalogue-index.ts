/** A catalogue's index: a folder with embeddings, pictures, the model that made them, and one writer at a time. */
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { normalText } from "../../catalogue/normal-text.js";
import { DamagedItemError, StoreError, UsageError } from "../../errors.js";
import { sha256Of } from "../../files/sha256.js";
import { normalFilter } from "../store/filter.js";
import type { StoreSettings } from "../store/store-kind.js";
import { claimWriter, defaultStore, openStore } from "../store/store-kinds.js";
import type { StoredSummary, VectorStore } from "../store/vector-store.js";
import { ContentsCounter } from "./catalogue-contents.js";
import { type CatalogueEntry, parseEntry, storedItem } from "./catalogue-entry.js";
import { CataloguePictures } from "./catalogue-pictures.js";
import {
  cannotWrite,
  type IndexModel,
  requireIndexOrEmpty,
  requireModel,
  requirePresent,
  requireStore,
} from "./folder-checks.js";
import {
  type IndexManifest,
  indexFiles,
  manifestStamp,
  readIndexManifest,
  writeIndexManifest,
} from "./manifest.js";
import { defaultLimit, type Page, pageProblems } from "./page.js";
import { isRowSound, isSummarySound } from "./verify-row.js";

/** An item to be written. */
export interface IndexedItem {
  readonly entry: CatalogueEntry;
  /** [D], length 1, of the index's model. */
  readonly embedding: Float32Array;
  /** WebP; may be absent where the index has that picture's already. */
  readonly thumbnail?: Uint8Array | undefined;
  /** The picture's whole file, where the index is to keep it: it was handed in and lies nowhere else. */
  readonly original?: Uint8Array | undefined;
}

/** An item that is as it was written. */
export interface FoundItem {
  readonly entry: CatalogueEntry;
  /** [D], length 1. */
  readonly embedding: Float32Array;
}

export interface ListedEntries {
  readonly entries: readonly CatalogueEntry[];
  /** Items that fit, damaged ones included. */
  readonly fitting: number;
  /** Ids of the page's items that are not as they were written; they are left out. */
  readonly damaged: readonly string[];
}

/**
 * A folder with the embeddings and columns of a catalogue, open for reading or for writing.
 * @example
 * import { CatalogueIndex } from "sdfn/search";
 * const index = await CatalogueIndex.open("indexes/shop", { access: "read" });
 * const { entries } = await index.list({ filter: { kind: "category", anyOf: ["dress"] }, limit: 2 });
 * console.log(entries.map(({ category }) => category)); // [ 'dress', 'dress' ]
 * await index.close();
 */
export class CatalogueIndex {
  readonly folder: string;
  readonly store: VectorStore;
  readonly #pictures: CataloguePictures;
  /** Undefined for reading. */
  readonly #giveFree: (() => Promise<void>) | undefined;
  #manifest: IndexManifest;
  /** Of the manifest's file when it was read. */
  #stamp: string | undefined;
  #writes: Promise<unknown> = Promise.resolve();

  private constructor(
    folder: string,
    opened: {
      readonly store: VectorStore;
      readonly manifest: IndexManifest;
      readonly giveFree?: () => Promise<void>;
      readonly stamp?: string | undefined;
      readonly images?: string | undefined;
    },
  ) {
    this.folder = folder;
    this.store = opened.store;
    this.#manifest = opened.manifest;
    this.#stamp = opened.stamp;
    this.#giveFree = opened.giveFree;
    this.#pictures = new CataloguePictures(folder, opened.images);
  }

  /**
   * Opens an index. For reading any number of processes may; for writing one, which also repairs what a crash left.
   * @param images folder of the catalogue's pictures, instead of the one that the index says.
   * @throws StoreError when there is none, it is of another version, damaged, or another process writes to it.
   */
  static async open(
    folder: string,
    { access, images }: { readonly access: "read" | "write"; readonly images?: string | undefined },
  ): Promise<CatalogueIndex> {
    const stamp = await manifestStamp(folder);
    const manifest = await readIndexManifest(folder);
    if (access === "write") {
      const now = () => readIndexManifest(folder);
      return CatalogueIndex.#openForWriting(folder, { settings: manifest.store, manifestOf: now, images });
    }
    const store = await openStore(manifest.store, { folder, embedDim: manifest.embedDim, access });
    return new CatalogueIndex(folder, { store, manifest, stamp, images });
  }

  /**
   * Opens the index of a model for writing; makes it where the folder is new, empty, or was left half made.
   * @param installModel puts the model where the index keeps its copy; called when the index is made.
   * @param store of an index that is made; the one that is there must have it too.
   * @throws StoreError as `open`, and for an index of another model or store; UsageError when the folder holds something
   *   else.
   */
  static async openOrCreate(
    folder: string,
    model: IndexModel,
    installModel: (bundleFolder: string) => Promise<void>,
    { store }: { readonly store?: StoreSettings | undefined } = {},
  ): Promise<CatalogueIndex> {
    await requireIndexOrEmpty(folder);
    const isThere = () => existsSync(join(folder, indexFiles.manifest));
    const settings = isThere() ? (await readIndexManifest(folder)).store : (store ?? defaultStore);
    const manifestOf = async (): Promise<IndexManifest> => {
      if (isThere()) {
        const manifest = await readIndexManifest(folder);
        requireModel(folder, manifest, model);
        requireStore(folder, manifest, store);
        return manifest;
      }
      // Whatever is there was left by a process that was stopped before the index was one.
      const { bundle, thumbnails, pictures } = indexFiles;
      for (const name of [bundle, thumbnails, pictures]) {
        await rm(join(folder, name), { recursive: true, force: true });
      }
      await installModel(join(folder, indexFiles.bundle));
      const now = new Date().toISOString();
      const { modelId, model: name, embedDim } = model;
      const contents = new ContentsCounter().contents();
      return { modelId, model: name, embedDim, created: now, updated: now, contents, store: settings };
    };
    const index = await CatalogueIndex.#openForWriting(folder, { settings, manifestOf });
    if (!isThere()) await writeIndexManifest(folder, index.manifest);
    return index;
  }

  /** @param opening.manifestOf called once nobody else writes. */
  static async #openForWriting(
    folder: string,
    opening: {
      readonly settings: StoreSettings;
      readonly manifestOf: () => Promise<IndexManifest>;
      readonly images?: string | undefined;
    },
  ): Promise<CatalogueIndex> {
    try {
      const giveFree = await claimWriter(opening.settings, folder);
      try {
        const manifest = await opening.manifestOf();
        // What has a manifest had a store: an empty one does not replace a missing one.
        const access = existsSync(join(folder, indexFiles.manifest)) ? "write" : "create";
        const store = await openStore(manifest.store, { folder, embedDim: manifest.embedDim, access });
        return new CatalogueIndex(folder, { store, manifest, giveFree, images: opening.images });
      } catch (error) {
        await giveFree();
        throw error;
      }
    } catch (cause) {
      throw cannotWrite(folder, cause);
    }
  }

  get manifest(): IndexManifest {
    return this.#manifest;
  }

  /** Where the index keeps its model. */
  get bundleFolder(): string {
    return join(this.folder, indexFiles.bundle);
  }

  /** @throws StoreError when embeddings of `model` cannot be compared with the index's. */
  requireModel(model: IndexModel): void {
    requireModel(this.folder, this.#manifest, model);
  }

  /**
   * Takes over what another process has written to `index.json` since; costs one look at the file when that is nothing.
   * @throws StoreError when the index is gone, damaged, or another model's now.
   */
  async refresh(): Promise<void> {
    if (this.#giveFree !== undefined) {
      requirePresent(this.folder); // nobody else writes it
      return;
    }
    const stamp = await manifestStamp(this.folder);
    if (stamp !== undefined && stamp === this.#stamp) return;
    const manifest = await readIndexManifest(this.folder);
    if (manifest.modelId !== this.#manifest.modelId) {
      throw new StoreError(
        `${this.folder}: the index was replaced by another model's; got ${manifest.modelId.slice(0, 16)}, ` +
          `was ${this.#manifest.modelId.slice(0, 16)}; open it again`,
      );
    }
    this.#manifest = manifest;
    this.#stamp = stamp;
  }

  /**
   * Adds items or replaces those with the same ids. When it resolves they are found, and survive a loss of power with
   * their pictures.
   * @throws StoreError when that cannot be; UsageError for an original that is not the file which the entry names.
   */
  put(items: readonly IndexedItem[]): Promise<void> {
    return this.#write(() => this.#put(items));
  }

  async #put(items: readonly IndexedItem[]): Promise<void> {
    for (const { entry, original } of items) {
      if (original === undefined) continue;
      const hash = sha256Of(original);
      if (hash === entry.picture) continue;
      throw new UsageError(
        `put: the picture of item ${entry.id} is not the file that the item names; got SHA-256 ${hash}, expected ${entry.picture}`,
      );
    }
    // Pictures are there before their item is.
    await Promise.all(
      items.flatMap(({ entry: { picture }, thumbnail, original }) => [
        thumbnail && this.#pictures.thumbnails.write(picture, thumbnail),
        original && this.#pictures.originals.write(picture, original),
      ]),
    );
    await this.store.upsert(items.map(({ entry, embedding }) => storedItem(entry, embedding)));
  }

  /** Removes items; ids that are not there do not matter. */
  delete(ids: readonly string[]): Promise<void> {
    return this.deleteRows(ids.map(normalText));
  }

  /** As `delete`, by ids as they are stored: damaged rows and rows of earlier versions may have them in any form. */
  deleteRows(ids: readonly string[]): Promise<void> {
    return this.#write(() => this.store.delete(ids));
  }

  /** An item and its embedding. @throws DamagedItemError when its row is not as it was written. */
  async get(id: string): Promise<FoundItem | undefined> {
    const normal = normalText(id);
    const row = (await this.store.get([normal])).get(normal);
    if (row === undefined) return undefined;
    if (isRowSound(row)) return { entry: parseEntry(normal, row.details), embedding: row.vector };
    throw new DamagedItemError(
      `item ${id}: its row in the index is not as it was written; ` +
        `\`sdfn index check ${this.folder}\` lists what is damaged, \`sdfn index\` writes it again`,
    );
  }

  /** An item, unless it is damaged: whoever replaces it does not need it. */
  async getSound(id: string): Promise<FoundItem | undefined> {
    try {
      return await this.get(id);
    } catch (error) {
      if (error instanceof DamagedItemError) return undefined;
      throw error;
    }
  }

  /** Items that fit, in the order of their ids. @throws UsageError for a page that cannot be meant. */
  async list(page: Page = {}): Promise<ListedEntries> {
    const problems = pageProblems(page);
    if (problems.length > 0) throw new UsageError(`list: ${problems.join("\n  - ")}`);
    const { limit = defaultLimit, filter } = page;
    const normal = filter && normalFilter(filter);
    const { items, fitting } = await this.store.list({ ...page, limit, filter: normal });
    const sound = items.filter(isSummarySound);
    return {
      entries: sound.map(({ id, details }) => parseEntry(id, details)),
      fitting,
      damaged: items.filter((item) => !sound.includes(item)).map(({ id }) => id),
    };
  }

  /** A small copy of an item's picture (WebP). */
  async thumbnail({ picture }: Pick<CatalogueEntry, "picture">): Promise<Uint8Array | undefined> {
    return this.#pictures.thumbnails.read(picture);
  }

  hasThumbnail(entry: CatalogueEntry): boolean {
    return this.#pictures.thumbnails.has(entry.picture);
  }

  /** The best file of an item's picture; undefined when all are gone. */
  pictureFile(entry: CatalogueEntry): Promise<string | undefined> {
    return this.#pictures.file(entry, this.#manifest.imageRoot);
  }

  /** Remembers where the catalogue's pictures are. */
  async setImageRoot(imageRoot: string): Promise<void> {
    if (this.#manifest.imageRoot === imageRoot) return;
    await this.#write(() => this.#setManifest({ ...this.#manifest, imageRoot }));
  }

  /** Files of pictures that were handed in whose bytes are others now. */
  damagedPictures(): Promise<readonly string[]> {
    return this.#pictures.originals.damaged();
  }

  summaries(): AsyncIterable<readonly StoredSummary[]> {
    return this.store.summaries();
  }

  /** After many writes: builds what makes searches fast, and takes stock. @param options as `VectorStore.optimise`. */
  async finish(options: { readonly isRebuilt?: boolean } = {}): Promise<void> {
    this.#requireWritable();
    await this.store.optimise(options);
    await this.takeStock();
  }

  /** Counts the contents anew for `index.json`, and removes pictures that no item has; writes wait for it. */
  takeStock(): Promise<void> {
    return this.#write(() => this.#takeStock());
  }

  async #takeStock(): Promise<void> {
    const counter = new ContentsCounter();
    const pictures = new Set<string>();
    let damaged = 0;
    for await (const summaries of this.store.summaries()) {
      for (const summary of summaries) {
        if (!isSummarySound(summary)) {
          damaged += 1;
          continue;
        }
        const entry = parseEntry(summary.id, summary.details);
        counter.add(entry);
        pictures.add(entry.picture);
      }
    }
    // A damaged item does not say which picture is its own, and that picture may be all that is left of it.
    if (damaged === 0) {
      await this.#pictures.thumbnails.keepOnly(pictures);
      await this.#pictures.originals.keepOnly(pictures);
    }
    const contents = counter.contents();
    await this.#setManifest({ ...this.#manifest, updated: new Date().toISOString(), contents });
  }

  /** Waits for writes under way, then frees everything. */
  async close(): Promise<void> {
    await this.#writes;
    try {
      await this.store.close();
    } finally {
      await this.#giveFree?.();
    }
  }

  /** One after the other: a picture must not be removed between being written and its item's being there. */
  #write<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#writes.then(async () => {
      this.#requireWritable();
      try {
        return await work();
      } catch (cause) {
        throw cannotWrite(this.folder, cause);
      }
    });
    this.#writes = done.catch(() => undefined);
    return done;
  }

  #requireWritable(): void {
    if (this.#giveFree === undefined) {
      throw new StoreError(`${this.folder}: the index was opened for reading; open it for writing`);
    }
    requirePresent(this.folder);
  }

  async #setManifest(manifest: IndexManifest): Promise<void> {
    await writeIndexManifest(this.folder, manifest);
    this.#manifest = manifest;
  }
}
