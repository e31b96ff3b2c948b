/** Turns images and queries into embeddings with a trained model. */

import { imageBatches } from "../data/batches/inference-batches.js";
import { GraphSession, type SessionOptions } from "../engine/runtime/session.js";
import type { Tensor } from "../engine/tensor/tensor.js";
import type { FeatureMaps } from "../images/feature-maps.js";
import type { ImageSource } from "../images/image-source.js";
import type { CompositionModel } from "../models/composition-model.js";
import { encodeTexts } from "../text/encode-texts.js";
import type { Tokeniser } from "../text/tokeniser.js";
import { inferenceGraphs } from "./inference-graphs.js";
import { type RouteStatistics, RouteSums } from "./route-statistics.js";

/** How images and texts are prepared; as in training. */
export interface Preparation {
  /** Side of the pictures the network sees; cut from the middle of the source's. */
  readonly imagePx: number;
  /** T, words of a text. */
  readonly maxWords: number;
}

export interface ModelEmbedderOptions extends Preparation {
  readonly images: ImageSource;
  readonly vocabulary: Tokeniser;
  /** Feature maps of the model's frozen backbone, read instead of computed from the images. */
  readonly featureMaps?: FeatureMaps | undefined;
  /** Images or queries per run. */
  readonly batchSize?: number;
  /** Memory for the regions of images that were embedded, which their queries need again. */
  readonly regionBudgetBytes?: number;
}

/** A query: id of the reference image, and the modification text. */
export interface EmbeddableQuery {
  readonly reference: string;
  readonly text: string;
}

/** Route weights of one query, by layer: `weights[i][j]` of source module i for destination j. */
export type QueryRoutes = readonly (readonly (readonly number[])[])[];

/** Rows of a query batch's results. */
interface ComposedBatch {
  /** [b, D], unit length. */
  readonly embeddings: Float32Array;
  /** By layer [b, M, J]; empty for models without routers. */
  readonly routes: readonly Tensor[];
}

const DEFAULT_REGION_BUDGET_BYTES = 512 * 2 ** 20;

/**
 * Two inference graphs with the model's weights of now: images -> regions and unit embeddings; regions and tokens ->
 * unit query embeddings and route weights. The model may train on; the embedder keeps what it was compiled with.
 */
export class ModelEmbedder {
  readonly embedDim: number;
  readonly #images: GraphSession<"embeddings" | "regions">;
  readonly #queries: GraphSession<string>;
  readonly #options: Required<ModelEmbedderOptions>;
  readonly #regionShape: readonly [number, number];
  readonly #layerCount: number;
  readonly #regions = new Map<string, Float32Array>();

  private constructor(
    sessions: { images: GraphSession<"embeddings" | "regions">; queries: GraphSession<string> },
    {
      regionShape,
      layerCount,
      options,
    }: {
      regionShape: readonly [number, number];
      layerCount: number;
      options: Required<ModelEmbedderOptions>;
    },
  ) {
    this.#images = sessions.images;
    this.#queries = sessions.queries;
    this.#regionShape = regionShape;
    this.#layerCount = layerCount;
    this.#options = options;
    this.embedDim = regionShape[1];
  }

  /** Compiles the graphs of a model with its weights of now. */
  static async compile(
    model: CompositionModel,
    options: ModelEmbedderOptions,
    session: SessionOptions = {},
  ): Promise<ModelEmbedder> {
    const { imagePx, featureMaps } = options;
    const { images, queries, regionShape, layerCount } = inferenceGraphs(model, {
      imagePx,
      featureMapShape: featureMaps?.shape,
    });
    return new ModelEmbedder(
      {
        images: await GraphSession.compile(images, session),
        queries: await GraphSession.compile(queries, session),
      },
      {
        regionShape,
        layerCount,
        options: {
          batchSize: 64,
          regionBudgetBytes: DEFAULT_REGION_BUDGET_BYTES,
          featureMaps: undefined,
          ...options,
        },
      },
    );
  }

  /** Unit embeddings [ids.length, D] of images. @throws ImageError when one is missing or damaged. */
  async embedImages(ids: readonly string[]): Promise<Float32Array> {
    const result = new Float32Array(ids.length * this.embedDim);
    let row = 0;
    for await (const batch of imageBatches(this.#options.images, ids, {
      batchSize: this.#options.batchSize,
      cropPx: this.#options.imagePx,
      featureMaps: this.#options.featureMaps,
    })) {
      const { embeddings, regions } = await this.#images.run({ images: batch.images });
      result.set(embeddings.data as Float32Array, row * this.embedDim);
      row += batch.ids.length;
      this.#keep(batch.ids, regions.data as Float32Array);
    }
    return result;
  }

  /** Unit embeddings [queries.length, D]. @throws ImageError when a reference is missing or damaged. */
  async embedQueries(queries: readonly EmbeddableQuery[]): Promise<Float32Array> {
    const result = new Float32Array(queries.length * this.embedDim);
    for (let start = 0; start < queries.length; start += this.#options.batchSize) {
      const part = queries.slice(start, start + this.#options.batchSize);
      result.set((await this.#compose(part)).embeddings, start * this.embedDim);
    }
    return result;
  }

  /** One query's unit embedding [D] and the route it took; no route for models without routers. */
  async embedQuery(query: EmbeddableQuery): Promise<{ embedding: Float32Array; routes: QueryRoutes }> {
    const { embeddings, routes } = await this.#compose([query]);
    return { embedding: embeddings, routes: routes.map((layer) => rowsOf(layer)) };
  }

  /** What the routers of each layer do over all queries. Empty for models without routers. */
  async routeStatistics(queries: readonly EmbeddableQuery[]): Promise<RouteStatistics[]> {
    const layers = Array.from({ length: this.#layerCount }, () => new RouteSums());
    for (let start = 0; start < queries.length; start += this.#options.batchSize) {
      const { routes } = await this.#compose(queries.slice(start, start + this.#options.batchSize));
      for (const [layer, weights] of routes.entries()) layers[layer]?.add(weights);
    }
    return layers.map((sums) => sums.statistics());
  }

  /** Frees the native sessions. */
  async release(): Promise<void> {
    await this.#images.release();
    await this.#queries.release();
  }

  async #compose(queries: readonly EmbeddableQuery[]): Promise<ComposedBatch> {
    const missing = [...new Set(queries.map(({ reference }) => reference))].filter(
      (id) => !this.#regions.has(id),
    );
    const fresh = new Map<string, Float32Array>();
    for await (const batch of imageBatches(this.#options.images, missing, {
      batchSize: this.#options.batchSize,
      cropPx: this.#options.imagePx,
      featureMaps: this.#options.featureMaps,
    })) {
      const { regions } = await this.#images.run({ images: batch.images });
      for (const [i, id] of batch.ids.entries())
        fresh.set(id, this.#regionsAt(regions.data as Float32Array, i));
      this.#keep(batch.ids, regions.data as Float32Array);
    }
    const [regionCount, width] = this.#regionShape;
    const data = new Float32Array(queries.length * regionCount * width);
    for (const [i, { reference }] of queries.entries()) {
      data.set(this.#regions.get(reference) ?? fresh.get(reference) ?? [], i * regionCount * width);
    }
    const { tokens, lengths } = encodeTexts(
      this.#options.vocabulary,
      queries.map(({ text }) => text),
      this.#options.maxWords,
    );
    const feeds: Record<string, Tensor> = {
      tokens,
      lengths,
      regions: { dtype: "float32", shape: [queries.length, regionCount, width], data },
    };
    // A model that looks at one modality only has no input for the other.
    const used = Object.entries(feeds).filter(([name]) => this.#queries.hasInput(name));
    const { embeddings, ...routes } = await this.#queries.run(Object.fromEntries(used));
    return {
      embeddings: embeddings?.data as Float32Array,
      routes: Array.from({ length: this.#layerCount }, (_, layer) => routes[`routes.${layer}`] as Tensor),
    };
  }

  /** Remembers regions while there is room. */
  #keep(ids: readonly string[], regions: Float32Array): void {
    const room = Math.floor(
      this.#options.regionBudgetBytes / (this.#regionShape[0] * this.#regionShape[1] * 4),
    );
    for (const [i, id] of ids.entries()) {
      if (this.#regions.size >= room) return;
      this.#regions.set(id, this.#regionsAt(regions, i));
    }
  }

  #regionsAt(regions: Float32Array, row: number): Float32Array {
    const size = this.#regionShape[0] * this.#regionShape[1];
    return regions.slice(row * size, (row + 1) * size);
  }
}

/** [1, M, J] as rows of numbers. */
function rowsOf({ shape, data }: Tensor): number[][] {
  const [, rowCount = 0, columnCount = 0] = shape;
  return Array.from({ length: rowCount }, (_, i) =>
    Array.from({ length: columnCount }, (_, j) => Number(data[i * columnCount + j])),
  );
}
