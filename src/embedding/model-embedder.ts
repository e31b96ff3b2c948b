/** Turns images and queries into embeddings with a trained model. */

import { type ImageBatch, imageBatches } from "../data/batches/inference-batches.js";
import { GraphSession, type SessionOptions } from "../engine/runtime/session.js";
import type { Tensor } from "../engine/tensor/tensor.js";
import type { FeatureMaps } from "../images/feature-maps.js";
import type { ImageSource } from "../images/image-source.js";
import type { CompositionModel } from "../models/composition-model.js";
import { encodeTexts } from "../text/encode-texts.js";
import type { Tokeniser } from "../text/tokeniser.js";
import type { RouteWeights } from "./encoder.js";
import { type InferenceGraphs, inferenceGraphs } from "./inference-graphs.js";
import { PairScorer } from "./pair-scorer.js";
import {
  type ComposedQueries,
  composeQueries,
  featureLength,
  featuresAt,
  matrixAt,
  rowOf,
} from "./query-graph.js";
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
}

/** A query: what stands for its picture, and the modification text. */
export interface EmbeddableQuery {
  /** Id of the reference image, or the features of a picture that is none (`meanPicture`). */
  readonly reference: string | Float32Array;
  readonly text: string;
}

/** Memory for the regions of images that were embedded, which their queries need again. */
const regionBudgetBytes = 512 * 2 ** 20;

interface Sessions {
  readonly images: GraphSession<string>;
  readonly queries: GraphSession<string>;
  /** Only for a model that scores pairs. */
  readonly pairs: GraphSession<string> | undefined;
}

/** What the graphs are known by. */
type Shapes = Pick<InferenceGraphs, "embedDim" | "featureShapes" | "layerCount">;

/**
 * Inference graphs with the model's weights of now: images -> features and unit embeddings; features and tokens -> unit
 * query embeddings and route weights. The model may train on; the embedder keeps what it was compiled with.
 */
export class ModelEmbedder {
  readonly embedDim: number;
  readonly #sessions: Sessions;
  readonly #options: Required<ModelEmbedderOptions>;
  readonly #shapes: Shapes;
  /** Features of images that were embedded. */
  readonly #features = new Map<string, Float32Array>();

  private constructor(sessions: Sessions, shapes: Shapes, options: Required<ModelEmbedderOptions>) {
    this.#sessions = sessions;
    this.#shapes = shapes;
    this.#options = options;
    this.embedDim = shapes.embedDim;
  }

  /** Compiles the graphs of a model with its weights of now. */
  static async compile(
    model: CompositionModel,
    options: ModelEmbedderOptions,
    session: SessionOptions = {},
  ): Promise<ModelEmbedder> {
    const { imagePx, featureMaps } = options;
    const graphs = inferenceGraphs(model, { imagePx, featureMapShapes: featureMaps?.shapes });
    const sessions = {
      images: await GraphSession.compile<string>(graphs.images, session),
      queries: await GraphSession.compile<string>(graphs.queries, session),
      pairs: graphs.pairs && (await GraphSession.compile<string>(graphs.pairs, session)),
    };
    return new ModelEmbedder(sessions, graphs, {
      batchSize: 64,
      featureMaps: undefined,
      ...options,
    });
  }

  /** Unit embeddings [ids.length, D] of images. @throws ImageError when one is missing or damaged. */
  async embedImages(ids: readonly string[]): Promise<Float32Array> {
    const result = new Float32Array(ids.length * this.embedDim);
    let row = 0;
    for await (const batch of this.#batches(ids)) {
      const outputs = await this.#sessions.images.run(batch.images);
      result.set(outputs.embeddings?.data as Float32Array, row * this.embedDim);
      row += batch.ids.length;
      this.#keep(batch.ids, outputs);
    }
    return result;
  }

  /** Unit embeddings [queries.length, D]. @throws ImageError when a reference is missing or damaged. */
  async embedQueries(queries: readonly EmbeddableQuery[]): Promise<Float32Array> {
    const result = new Float32Array(queries.length * this.embedDim);
    for (let start = 0; start < queries.length; start += this.#options.batchSize) {
      const part = queries.slice(start, start + this.#options.batchSize);
      result.set((await this.#compose(part)).embeddings.data as Float32Array, start * this.embedDim);
    }
    return result;
  }

  /**
   * Scores of queries with a gallery [G, embedDim], for a model that scores pairs: [queries.length, G]; undefined for a
   * model whose dot products decide.
   * @throws ImageError when a reference is missing or damaged.
   */
  async scorePairs(
    queries: readonly EmbeddableQuery[],
    gallery: Float32Array,
  ): Promise<Float32Array | undefined> {
    const { pairs } = this.#sessions;
    if (!pairs) return undefined;
    const count = gallery.length / this.embedDim;
    const scorer = new PairScorer(pairs, gallery);
    const result = new Float32Array(queries.length * count);
    for (let start = 0; start < queries.length; start += this.#options.batchSize) {
      const { pairRows } = await this.#compose(queries.slice(start, start + this.#options.batchSize));
      result.set(await scorer.score(pairRows?.data as Float32Array), start * count);
    }
    return result;
  }

  /** The mean of images' features: what stands for a picture in a query of words alone. @throws ImageError as above. */
  async meanPicture(ids: readonly string[]): Promise<Float32Array> {
    const featuresOf = await this.#featuresOf(ids);
    const sums = new Float64Array(featureLength(this.#shapes.featureShapes));
    for (const id of ids) {
      for (const [i, value] of featuresOf(id)?.entries() ?? []) sums[i] = (sums[i] ?? 0) + value;
    }
    return Float32Array.from(sums, (sum) => sum / ids.length);
  }

  /** One query's unit embedding [D] and the route it took; no route for models without routers. */
  async embedQuery(query: EmbeddableQuery): Promise<{ embedding: Float32Array; routes: RouteWeights }> {
    const { embeddings, routes } = await this.#compose([query]);
    return { embedding: rowOf(embeddings, 0), routes: routes.map((layer) => matrixAt(layer, 0)) };
  }

  /** What the routers of each layer do over all queries. Empty for models without routers. */
  async routeStatistics(queries: readonly EmbeddableQuery[]): Promise<RouteStatistics[]> {
    const layers = Array.from({ length: this.#shapes.layerCount }, () => new RouteSums());
    for (let start = 0; start < queries.length; start += this.#options.batchSize) {
      const { routes } = await this.#compose(queries.slice(start, start + this.#options.batchSize));
      for (const [layer, weights] of routes.entries()) layers[layer]?.add(weights);
    }
    return layers.map((sums) => sums.statistics());
  }

  /** Frees the native sessions. */
  async release(): Promise<void> {
    const { images, queries, pairs } = this.#sessions;
    for (const session of [images, queries, pairs]) await session?.release();
  }

  async #compose(queries: readonly EmbeddableQuery[]): Promise<ComposedQueries> {
    const ids = queries.flatMap(({ reference }) => (typeof reference === "string" ? [reference] : []));
    const featuresOf = await this.#featuresOf(ids);
    return composeQueries(this.#sessions.queries, {
      shapes: this.#shapes.featureShapes,
      references: queries.map(({ reference }) =>
        typeof reference === "string" ? featuresOf(reference) : reference,
      ),
      texts: encodeTexts(
        this.#options.vocabulary,
        queries.map(({ text }) => text),
        this.#options.maxWords,
      ),
    });
  }

  /** Features of images by id: those that are kept, and the others, computed now. */
  async #featuresOf(ids: readonly string[]): Promise<(id: string) => Float32Array | undefined> {
    const fresh = new Map<string, Float32Array>();
    for await (const batch of this.#batches([...new Set(ids)].filter((id) => !this.#features.has(id)))) {
      const outputs = await this.#sessions.images.run(batch.images);
      for (const [row, id] of batch.ids.entries()) fresh.set(id, this.#featuresAt(outputs, row));
      this.#keep(batch.ids, outputs);
    }
    return (id) => this.#features.get(id) ?? fresh.get(id);
  }

  #batches(ids: readonly string[]): AsyncGenerator<ImageBatch, void, void> {
    const { images, batchSize, imagePx, featureMaps } = this.#options;
    return imageBatches(images, ids, { batchSize, cropPx: imagePx, featureMaps });
  }

  /** Remembers features while there is room. */
  #keep(ids: readonly string[], outputs: Readonly<Record<string, Tensor>>): void {
    const room = Math.floor(regionBudgetBytes / (4 * featureLength(this.#shapes.featureShapes)));
    for (const [row, id] of ids.entries()) {
      if (this.#features.size >= room) return;
      this.#features.set(id, this.#featuresAt(outputs, row));
    }
  }

  #featuresAt(outputs: Readonly<Record<string, Tensor>>, row: number): Float32Array {
    return featuresAt(outputs, { shapes: this.#shapes.featureShapes, row });
  }
}
