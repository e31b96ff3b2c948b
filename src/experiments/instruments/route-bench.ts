/** Queries laid ready to be composed along one route after another. */
import { imageBatches } from "../../data/batches/inference-batches.js";
import type { RouteWeights } from "../../embedding/encoder.js";
import { inferenceGraphs } from "../../embedding/inference-graphs.js";
import type { EmbeddableQuery, ModelEmbedderOptions } from "../../embedding/model-embedder.js";
import { matrixAt } from "../../embedding/query-graph.js";
import { type Feeds, GraphSession, usedFeeds } from "../../engine/runtime/session.js";
import type { Tensor } from "../../engine/tensor/tensor.js";
import type { CompositionModel } from "../../models/composition-model.js";
import { encodeTexts } from "../../text/encode-texts.js";

/** A query whose reference is a picture of the data. */
type PictureQuery = EmbeddableQuery & { readonly reference: string };

/** Some of the queries, as feeds. */
interface QueryBatch {
  readonly feeds: Feeds;
  readonly count: number;
}

const batchSize = 64;

export class RouteBench {
  /** By query, the routes that the model takes itself. */
  readonly ownRoutes: readonly RouteWeights[];
  readonly #session: GraphSession<"embeddings"> | undefined;
  readonly #batches: readonly QueryBatch[];

  private constructor(
    ownRoutes: readonly RouteWeights[],
    batches: readonly QueryBatch[],
    session: GraphSession<"embeddings"> | undefined,
  ) {
    this.ownRoutes = ownRoutes;
    this.#batches = batches;
    this.#session = session;
  }

  /** Undefined for a model without routes. @throws ImageError when a reference is missing or damaged. */
  static async open(
    model: CompositionModel,
    queries: readonly PictureQuery[],
    options: ModelEmbedderOptions,
  ): Promise<RouteBench | undefined> {
    const { imagePx, featureMaps } = options;
    const graphs = inferenceGraphs(model, { imagePx, featureMapShapes: featureMaps?.shapes });
    if (graphs.layerCount === 0) return undefined;
    const images = await GraphSession.compile<string>(graphs.images);
    const own = await GraphSession.compile<string>(graphs.queries);
    try {
      const batches = await layReady(images, queries, options);
      const routes: RouteWeights[] = [];
      for (const { feeds, count } of batches) {
        const outputs = await own.run(usedFeeds(own, feeds));
        const layers = Array.from({ length: graphs.layerCount }, (_, l) => outputs[`routes.${l}`] as Tensor);
        for (let row = 0; row < count; row += 1) routes.push(layers.map((layer) => matrixAt(layer, row)));
      }
      const along = graphs.along && (await GraphSession.compile(graphs.along));
      return new RouteBench(routes, batches, along);
    } finally {
      await images.release();
      await own.release();
    }
  }

  /** Does the model take routes that are given? */
  get takesRoutes(): boolean {
    return this.#session !== undefined;
  }

  /** Unit embeddings [Q, D] of the queries along the route that each is given. @throws RangeError for a model that takes none. */
  async embed(routeOf: (query: number) => RouteWeights): Promise<Float32Array> {
    if (!this.#session) throw new RangeError("RouteBench: the model takes no routes");
    const parts: Float32Array[] = [];
    let first = 0;
    for (const { feeds, count } of this.#batches) {
      const start = first;
      const routes = Array.from({ length: count }, (_, i) => routeOf(start + i));
      const given = { ...feeds, ...routeFeeds(routes) };
      const { embeddings } = await this.#session.run(usedFeeds(this.#session, given));
      parts.push(embeddings.data as Float32Array);
      first += count;
    }
    const result = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
    let at = 0;
    for (const part of parts) {
      result.set(part, at);
      at += part.length;
    }
    return result;
  }

  /** Frees the native session. */
  async release(): Promise<void> {
    await this.#session?.release();
  }
}

/** Features of the references and tokens of the texts, by batch. */
async function layReady(
  session: GraphSession<string>,
  queries: readonly PictureQuery[],
  { images, vocabulary, imagePx, maxWords, featureMaps }: ModelEmbedderOptions,
): Promise<readonly QueryBatch[]> {
  const batches: QueryBatch[] = [];
  const ids = queries.map(({ reference }) => reference);
  let first = 0;
  for await (const pictures of imageBatches(images, ids, { batchSize, cropPx: imagePx, featureMaps })) {
    const count = pictures.ids.length;
    const texts = queries.slice(first, first + count).map(({ text }) => text);
    const { embeddings: _, ...features } = await session.run(pictures.images);
    const { tokens, lengths } = encodeTexts(vocabulary, texts, maxWords);
    batches.push({ feeds: { ...features, tokens, lengths }, count });
    first += count;
  }
  return batches;
}

/** `routes.0`, `routes.1`, ... each [b, M, J]. */
function routeFeeds(routes: readonly RouteWeights[]): Record<string, Tensor> {
  return Object.fromEntries(
    (routes[0] ?? []).map((layer, l): [string, Tensor] => [
      `routes.${l}`,
      {
        dtype: "float32",
        shape: [routes.length, layer.length, layer[0]?.length ?? 0],
        data: Float32Array.from(routes.flatMap((route) => (route[l] ?? []).flat())),
      },
    ]),
  );
}
