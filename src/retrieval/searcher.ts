/** Finds the images of a gallery that answer a query. */
import { existsSync } from "node:fs";
import { decodeImage, type ImageFit } from "../data/image.js";
import type { ImageSource } from "../data/image-source.js";
import { UsageError } from "../errors.js";
import type { ModelEmbedder, QueryRoutes } from "./model-embedder.js";
import { topK } from "./top-k.js";

/** One answer. */
export interface SearchHit {
  readonly id: string;
  /** Cosine of query and image, -1 to 1. */
  readonly score: number;
}

/** Answers, best first, and how the query went through the model. */
export interface SearchResult {
  readonly hits: readonly SearchHit[];
  /** Empty for models without routers. */
  readonly routes: QueryRoutes;
}

export interface SearchRequest {
  /** Id of the reference image in the embedder's image source. */
  readonly reference: string;
  /** Modification text. */
  readonly text: string;
  /** How many answers. */
  readonly k: number;
  /** Ids that are not to be answered; by default the reference itself. */
  readonly excluded?: readonly string[];
}

/** A gallery in memory, searched exactly. */
export class Searcher {
  readonly #embedder: ModelEmbedder;
  readonly #ids: readonly string[];
  readonly #rows: ReadonlyMap<string, number>;
  readonly #gallery: Float32Array;

  private constructor(embedder: ModelEmbedder, ids: readonly string[], gallery: Float32Array) {
    this.#embedder = embedder;
    this.#ids = ids;
    this.#rows = new Map(ids.map((id, row) => [id, row]));
    this.#gallery = gallery;
  }

  /** Embeds the gallery. @throws ImageError when an image is missing or damaged. */
  static async create(embedder: ModelEmbedder, galleryIds: readonly string[]): Promise<Searcher> {
    return new Searcher(embedder, galleryIds, await embedder.embedImages(galleryIds));
  }

  /** Images in the gallery. */
  get size(): number {
    return this.#ids.length;
  }

  async search({ reference, text, k, excluded = [reference] }: SearchRequest): Promise<SearchResult> {
    const { embedding, routes } = await this.#embedder.embedQuery({ reference, text });
    const masked = excluded.flatMap((id) => this.#rows.get(id) ?? []);
    const hits = topK(embedding, this.#gallery, { k, masked });
    return { hits: hits.map(({ row, score }) => ({ id: this.#ids[row] ?? "", score })), routes };
  }
}

/**
 * An image source that also serves files of the user's own, by path: a reference that is no image of the data set.
 * Ids of `images` come first.
 */
export class ImagesAndFiles implements ImageSource {
  readonly #images: ImageSource;
  readonly #imagePath: (imageId: string) => string | undefined;
  readonly #fit: ImageFit;

  constructor(
    images: ImageSource,
    { imagePath, fit }: { imagePath: (imageId: string) => string | undefined; fit: ImageFit },
  ) {
    this.#images = images;
    this.#imagePath = imagePath;
    this.#fit = fit;
  }

  get sizePx(): number {
    return this.#images.sizePx;
  }

  async pixels(idOrPath: string): Promise<Uint8Array> {
    if (this.#imagePath(idOrPath) !== undefined) return this.#images.pixels(idOrPath);
    return (await decodeImage(idOrPath, { resizePx: this.sizePx, fit: this.#fit })).data;
  }

  /** The file of an id or path. @throws UsageError when there is neither. */
  fileOf(idOrPath: string): string {
    const file = this.#imagePath(idOrPath) ?? (existsSync(idOrPath) ? idOrPath : undefined);
    if (file === undefined) {
      throw new UsageError(
        `reference image: neither an image id of the data set nor a file; got ${idOrPath}; give an id or a path to a JPEG, PNG or WebP file`,
      );
    }
    return file;
  }
}
