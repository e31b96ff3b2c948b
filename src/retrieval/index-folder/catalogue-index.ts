/** A catalogue's index: a folder with embeddings, thumbnails, the model that made them, and one writer at a time. */
import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { claimLock } from "../../data/folder-lock.js";
import { SdfnError, StoreError, UsageError } from "../../errors.js";
import type { Encoder } from "../encoder.js";
import { LanceStore } from "../store/lance-store.js";
import type { StoredSummary, VectorStore } from "../store/vector-store.js";
import { ContentsCounter } from "./contents.js";
import { type CatalogueEntry, parseEntry, storedItem } from "./entry.js";
import {
  type IndexManifest,
  indexFiles,
  indexFormat,
  readIndexManifest,
  writeIndexManifest,
} from "./manifest.js";
import { defaultLimit, type Page, pageProblems } from "./page.js";
import { Thumbnails } from "./thumbnails.js";

/** An item to be written. */
export interface IndexedItem {
  readonly entry: CatalogueEntry;
  /** [D], length 1, of the index's model. */
  readonly embedding: Float32Array;
  /** WebP; may be absent where the index has that picture's already. */
  readonly thumbnail?: Uint8Array | undefined;
}

/** The model of an index. */
export type IndexModel = Pick<Encoder, "modelId" | "model" | "embedDim">;

export class CatalogueIndex {
  readonly folder: string;
  readonly store: VectorStore;
  readonly #thumbnails: Thumbnails;
  readonly #giveFree: (() => Promise<void>) | undefined;
  #manifest: IndexManifest;
  #writes: Promise<unknown> = Promise.resolve();

  private constructor(
    folder: string,
    opened: {
      readonly store: VectorStore;
      readonly manifest: IndexManifest;
      readonly giveFree: (() => Promise<void>) | undefined;
    },
  ) {
    this.folder = folder;
    this.store = opened.store;
    this.#manifest = opened.manifest;
    this.#giveFree = opened.giveFree;
    this.#thumbnails = new Thumbnails(join(folder, indexFiles.thumbnails));
  }

  /**
   * Opens an index. For reading any number of processes may; for writing one, which also mends what a crash left.
   * @throws StoreError when there is none, it is of another version, damaged, or another process writes to it.
   */
  static async open(
    folder: string,
    { access }: { readonly access: "read" | "write" },
  ): Promise<CatalogueIndex> {
    const manifest = await readIndexManifest(folder);
    if (access === "write") return CatalogueIndex.#openForWriting(folder, async () => manifest);
    const store = await LanceStore.open(join(folder, indexFiles.store), { ...manifest, access });
    return new CatalogueIndex(folder, { store, manifest, giveFree: undefined });
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
      for (const name of [indexFiles.store, indexFiles.bundle, indexFiles.thumbnails]) {
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

  /** Adds items or replaces those with the same ids. When it resolves they are found, and survive a loss of power. */
  put(items: readonly IndexedItem[]): Promise<void> {
    return this.#inOrder(() => this.#put(items));
  }

  async #put(items: readonly IndexedItem[]): Promise<void> {
    try {
      // A thumbnail is there before its item is.
      await Promise.all(
        items.map(async ({ entry, thumbnail }) => {
          if (thumbnail !== undefined && !this.#thumbnails.has(entry.picture)) {
            await this.#thumbnails.write(entry.picture, thumbnail);
          }
        }),
      );
    } catch (cause) {
      throw cannotWrite(this.folder, cause);
    }
    await this.store.upsert(items.map(({ entry, embedding }) => storedItem(entry, embedding)));
  }

  /** Removes items; ids that are not there do not matter. */
  async delete(ids: readonly string[]): Promise<void> {
    await this.#inOrder(() => this.store.delete(ids));
  }

  /** An item and its embedding. */
  async get(id: string): Promise<{ entry: CatalogueEntry; embedding: Float32Array } | undefined> {
    const item = (await this.store.get([id])).get(id);
    return item && { entry: parseEntry(id, item.details), embedding: item.vector };
  }

  /** Items that fit, in the order of their ids. @throws UsageError for a page that cannot be meant. */
  async list(
    page: Page = {},
  ): Promise<{ readonly entries: readonly CatalogueEntry[]; readonly fitting: number }> {
    const problems = pageProblems(page);
    if (problems.length > 0) throw new UsageError(`list: ${problems.join("\n  - ")}`);
    const { limit = defaultLimit } = page;
    const { items, fitting } = await this.store.list({ ...page, limit });
    return { entries: items.map(({ id, details }) => parseEntry(id, details)), fitting };
  }

  /** A small copy of an item's picture (WebP). */
  async thumbnail({ picture }: Pick<CatalogueEntry, "picture">): Promise<Uint8Array | undefined> {
    return this.#thumbnails.read(picture);
  }

  hasThumbnail(entry: CatalogueEntry): boolean {
    return this.#thumbnails.has(entry.picture);
  }

  /** The file of an item's picture where it still lies, else of its thumbnail; undefined when both are gone. */
  pictureFile({ image, picture }: CatalogueEntry): string | undefined {
    const { imageRoot } = this.#manifest;
    const file = image === undefined || imageRoot === undefined ? undefined : resolve(imageRoot, image);
    return file !== undefined && existsSync(file) ? file : this.#thumbnails.file(picture);
  }

  /** Remembers where the catalogue's pictures are. */
  async setImageRoot(imageRoot: string): Promise<void> {
    if (this.#manifest.imageRoot === imageRoot) return;
    await this.#write({ ...this.#manifest, imageRoot });
  }

  summaries(): AsyncIterable<readonly StoredSummary[]> {
    return this.store.summaries();
  }

  /** After many writes: builds what makes searches fast, counts the contents, removes thumbnails nobody has. */
  async finish(): Promise<void> {
    await this.store.optimise();
    await this.#inOrder(() => this.#takeStock());
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
    await this.#write({ ...this.#manifest, updated: new Date().toISOString(), contents: counter.contents() });
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

  /** A thumbnail must not be removed between being written and its item's being there. */
  #inOrder<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#writes.then(work);
    this.#writes = done.catch(() => undefined);
    return done;
  }

  async #write(manifest: IndexManifest): Promise<void> {
    try {
      await writeIndexManifest(this.folder, manifest);
    } catch (cause) {
      throw cannotWrite(this.folder, cause);
    }
    this.#manifest = manifest;
  }
}

/** @throws UsageError when a folder holds something that is no part of an index. */
async function requireIndexOrEmpty(folder: string): Promise<void> {
  const names: readonly string[] = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw cannotWrite(folder, error);
  });
  if (names.includes(indexFiles.manifest)) return;
  const known: readonly string[] = Object.values(indexFiles);
  const foreign = names.find((name) => !known.includes(name) && !name.startsWith(`${indexFiles.lock}.`));
  if (foreign !== undefined) {
    throw new UsageError(
      `${folder}: must be an index, or a new or empty folder; got ${foreign} in it; choose another`,
    );
  }
}

function requireModel(
  folder: string,
  manifest: IndexManifest,
  { modelId, model, embedDim }: IndexModel,
): void {
  if (manifest.modelId === modelId && manifest.embedDim === embedDim) return;
  throw new StoreError(
    `${folder}: the index was made with another model, whose embeddings cannot be compared with this one's; ` +
      `got ${model} ${modelId.slice(0, 16)} for an index of ${manifest.model} ${manifest.modelId.slice(0, 16)}; ` +
      "use the index's own model, or index the catalogue into another folder",
  );
}

function cannotWrite(folder: string, cause: unknown): unknown {
  if (cause instanceof SdfnError || !(cause instanceof Error && "code" in cause)) return cause;
  return new StoreError(
    `${folder}: the index cannot be written; got ${cause.message}; ` +
      "check the folder's permissions and the room on its disk",
    { cause },
  );
}
