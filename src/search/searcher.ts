/** Finds the images of a gallery that answer a query. */
import { existsSync } from "node:fs";
import type { RetrievalDataset } from "../data/triplet.js";
import type { RouteWeights } from "../embedding/encoder.js";
import type { ModelEmbedder } from "../embedding/model-embedder.js";
import { highest, topK } from "../embedding/top-k.js";
import { UsageError } from "../errors.js";

/** One answer. */
export interface SearchHit {
  readonly id: string;
  /** Cosine of query and image, -1 to 1, or the model's own score where it scores pairs. */
  readonly score: number;
}

/** Answers, best first, and how the query went through the model. */
export interface SearchResult {
  readonly hits: readonly SearchHit[];
  /** Empty for models without routers. */
  readonly routes: RouteWeights;
  /** Images that may be answered, whose pair with the query was scored; absent for models whose dot products decide. */
  readonly scoredPairs?: number | undefined;
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
    const scores = await this.#embedder.scorePairs([{ reference, text }], this.#gallery);
    const hidden = new Set(masked);
    const hits = scores
      ? highest(scores, { k, isLeftOut: (row) => hidden.has(row) })
      : topK(embedding, this.#gallery, { k, masked });
    return {
      hits: hits.map(({ row, score }) => ({ id: this.#ids[row] ?? "", score })),
      routes,
      scoredPairs: scores && this.size - hidden.size,
    };
  }
}

/**
 * The file of a reference: an image of the data set by its id, or a file of the user's own by its path.
 * @throws UsageError when there is neither.
 */
export function referenceFile(dataset: RetrievalDataset, idOrPath: string): string {
  const file = dataset.imagePath(idOrPath) ?? (existsSync(idOrPath) ? idOrPath : undefined);
  if (file === undefined) {
    throw new UsageError(
      `reference image: neither an image id of the data set nor a file; got ${idOrPath}; give an id or a path to a JPEG, PNG or WebP file`,
    );
  }
  return file;
}
