/** A catalogue's index: a folder with embeddings, pictures, the model that made them, and one writer at a time. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { normalText } from "../../data/catalogue/normal-text.js";
import { claimLock } from "../../data/folder-lock.js";
import { StoreError, UsageError } from "../../errors.js";
import { normalFilter } from "../store/filter.js";
import { LanceStore } from "../store/lance-store.js";
import type { StoredSummary, VectorStore } from "../store/vector-store.js";
import { ContentsCounter } from "./contents.js";
import { type CatalogueEntry, parseEntry, storedItem } from "./entry.js";
import {
  cannotWrite,
  type IndexModel,
  requireIndexOrEmpty,
  requireModel,
  requirePresent,
} from "./folder-checks.js";
import {
  type IndexManifest,
  indexFiles,
  indexFormat,
  manifestStamp,
  readIndexManifest,
  writeIndexManifest,
} from "./manifest.js";
import { defaultLimit, type Page, pageProblems } from "./page.js";
import { PictureFolder } from "./picture-folder.js";

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

export class CatalogueIndex {
  readonly folder: string;
  readonly store: VectorStore;
  readonly #thumbnails: PictureFolder;
  readonly #originals: PictureFolder;
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
    },
  ) {
    this.folder = folder;
    this.store = opened.store;
    this.#manifest = opened.manifest;
    this.#stamp = opened.stamp;
    this.#giveFree = opened.giveFree;
    this.#thumbnails = new PictureFolder(join(folder, indexFiles.thumbnails), ".webp");
    this.#originals = new PictureFolder(join(folder, indexFiles.pictures), "");
  }

  /**
   * Opens an index. For reading any number of processes may; for writing one, which also mends what a crash left.
   * @throws StoreError when there is none, it is of another version, damaged, or another process writes to it.
   */
  static async open(
    folder: string,
    { access }: { readonly access: "read" | "write" },
  ): Promise<CatalogueIndex> {
    const stamp = await manifestStamp(folder);
    const manifest = await readIndexManifest(folder);
    if (access === "write") return CatalogueIndex.#openForWriting(folder, async () => manifest);
    const store = await LanceStore.open(join(folder, indexFiles.store), { ...manifest, access });
    return new CatalogueIndex(folder, { store, manifest, stamp });
  }

  /**
   * Opens the index of a model for writing; makes it where the folder is new, empty, or was left half made.
   * @param installModel puts the model where the index keeps its copy; called when the index is made.
   * @throws StoreError as `open`; UsageError when the folder holds something else.
   */
  static async openOrCreate(
    folder: string,
    model: IndexModel,
    installModel: (bundleFolder: string) => Promise<void>,
  ): Promise<CatalogueIndex> {
    await requireIndexOrEmpty(folder);
    const index = await CatalogueIndex.#openForWriting(folder, async () => {
      if (existsSync(join(folder, indexFiles.manifest))) {
        const manifest = await readIndexManifest(folder);
        requireModel(folder, manifest, model);
        return manifest;
      }
      // Whatever is there was left by a process that was stopped before the index was one.
      const { store, bundle, thumbnails, pictures } = indexFiles;
      for (const name of [store, bundle, thumbnails, pictures]) {
        await rm(join(folder, name), { recursive: true, force: true });
      }
      await installModel(join(folder, indexFiles.bundle));
      const now = new Date().toISOString();
      const { modelId, model: name, embedDim } = model;
      return {
        ...{ format: indexFormat, modelId, model: name, embedDim, created: now, updated: now },
        contents: new ContentsCounter().contents(),
      } as const;
    });
    if (!existsSync(join(folder, indexFiles.manifest))) await writeIndexManifest(folder, index.manifest);
    return index;
  }

  static async #openForWriting(
    folder: string,
    manifestOf: () => Promise<IndexManifest>,
  ): Promise<CatalogueIndex> {
    try {
      const giveFree = await claimLock(
        join(folder, indexFiles.lock),
        (owner) =>
          new StoreError(
            `${folder}: another process writes to this index; got process ${owner}; wait for it, or stop it`,
          ),
      );
      try {
        const manifest = await manifestOf();
        // What has a manifest had a store: a missing one is not made good by an empty one.
        const access = existsSync(join(folder, indexFiles.manifest)) ? "write" : "create";
        const store = await LanceStore.open(join(folder, indexFiles.store), { ...manifest, access });
        return new CatalogueIndex(folder, { store, manifest, giveFree });
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
      const hash = createHash("sha256").update(original).digest("hex");
      if (hash === entry.picture) continue;
      throw new UsageError(
        `put: the picture of item ${entry.id} is not the file that the item names; got SHA-256 ${hash}, expected ${entry.picture}`,
      );
    }
    // Pictures are there before their item is.
    await Promise.all(
      items.flatMap(({ entry: { picture }, thumbnail, original }) => [
        thumbnail && this.#thumbnails.write(picture, thumbnail),
        original && this.#originals.write(picture, original),
      ]),
    );
    await this.store.upsert(items.map(({ entry, embedding }) => storedItem(entry, embedding)));
  }

  /** Removes items; ids that are not there do not matter. */
  async delete(ids: readonly string[]): Promise<void> {
    // As they are too: indexes of earlier versions have ids in other forms.
    const forms = new Set(ids.flatMap((id) => [id, normalText(id)]));
    await this.#write(() => this.store.delete([...forms]));
  }

  /** An item and its embedding. */
  async get(id: string): Promise<{ entry: CatalogueEntry; embedding: Float32Array } | undefined> {
    const normal = normalText(id);
    const item = (await this.store.get([normal])).get(normal);
    return item && { entry: parseEntry(normal, item.details), embedding: item.vector };
  }

  /** Items that fit, in the order of their ids. @throws UsageError for a page that cannot be meant. */
  async list(
    page: Page = {},
  ): Promise<{ readonly entries: readonly CatalogueEntry[]; readonly fitting: number }> {
    const problems = pageProblems(page);
    if (problems.length > 0) throw new UsageError(`list: ${problems.join("\n  - ")}`);
    const { limit = defaultLimit, filter } = page;
    const normal = filter && normalFilter(filter);
    const { items, fitting } = await this.store.list({ ...page, limit, filter: normal });
    return { entries: items.map(({ id, details }) => parseEntry(id, details)), fitting };
  }

  /** A small copy of an item's picture (WebP). */
  async thumbnail({ picture }: Pick<CatalogueEntry, "picture">): Promise<Uint8Array | undefined> {
    return this.#thumbnails.read(picture);
  }

  hasThumbnail(entry: CatalogueEntry): boolean {
    return this.#thumbnails.has(entry.picture);
  }

  /** The catalogue's own file of an item's picture, else the index's, else its thumbnail; undefined when all are gone. */
  pictureFile({ image, picture }: CatalogueEntry): string | undefined {
    const { imageRoot } = this.#manifest;
    const file = image === undefined || imageRoot === undefined ? undefined : resolve(imageRoot, image);
    if (file !== undefined && existsSync(file)) return file;
    return this.#originals.file(picture) ?? this.#thumbnails.file(picture);
  }

  /** Remembers where the catalogue's pictures are. */
  async setImageRoot(imageRoot: string): Promise<void> {
    if (this.#manifest.imageRoot === imageRoot) return;
    await this.#write(() => this.#setManifest({ ...this.#manifest, imageRoot }));
  }

  summaries(): AsyncIterable<readonly StoredSummary[]> {
    return this.store.summaries();
  }

  /** After many writes: builds what makes searches fast, and takes stock. */
  async finish(): Promise<void> {
    this.#requireWritable();
    await this.store.optimise();
    await this.takeStock();
  }

  /** Counts the contents anew for `index.json`, and removes pictures that no item has; writes wait for it. */
  takeStock(): Promise<void> {
    return this.#write(() => this.#takeStock());
  }

  async #takeStock(): Promise<void> {
    const counter = new ContentsCounter();
    const pictures = new Set<string>();
    for await (const summaries of this.store.summaries()) {
      for (const { id, details } of summaries) {
        const entry = parseEntry(id, details);
        counter.add(entry);
        pictures.add(entry.picture);
      }
    }
    await this.#thumbnails.keepOnly(pictures);
    await this.#originals.keepOnly(pictures);
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
