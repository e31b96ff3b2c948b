/** The two graphs that a trained model is asked with: pictures -> regions and embeddings; regions and words -> query embeddings. */
import { Input, type Value } from "../engine/graph/value.js";
import { add, multiply } from "../engine/ops/arithmetic.js";
import { cast } from "../engine/ops/constant.js";
import { l2Normalise } from "../engine/ops/normalisation.js";
import { mean } from "../engine/ops/reduce.js";
import { transposeLast } from "../engine/ops/shape.js";
import type { CompositionModel } from "../models/composition-model.js";
import { featuresOf } from "../models/image-encoder.js";
import { ForwardPass } from "../nn/forward-pass.js";

export interface InferenceGraphOptions {
  /** S, side of the pictures that the graph takes. */
  readonly imagePx: number;
  /** [C, h, w] when the graph takes the backbone's feature maps, float16, instead of pictures. */
  readonly featureMapShape?: readonly [number, number, number] | undefined;
}

/** Outputs by name; `batch` and T are any numbers. */
export interface InferenceGraphs {
  /** `images` uint8 [batch, S, S, 3] (or float16 [batch, C, h, w]) -> unit embeddings [batch, D], regions [batch, N, D]. */
  readonly images: { readonly embeddings: Value; readonly regions: Value };
  /**
   * `regions` [batch, N, D], `tokens` int64 [batch, T], `lengths` int64 [batch] -> unit embeddings [batch, D] and, for
   * models with routers, `routes.0`, `routes.1`, ... [batch, M, J]. A model that looks at one half only has no input
   * for the other.
   */
  readonly queries: Readonly<Record<string, Value>>;
  /** CAM's attention from the same inputs, mean over layers and heads: each region's share for each word [batch, T, N]. */
  readonly attention: Value | undefined;
  readonly layerCount: number;
  /** N and D. */
  readonly regionShape: readonly [number, number];
  /** Regions lie in rows from the top, each from the left. */
  readonly grid: { readonly rows: number; readonly columns: number };
}

/** Builds both graphs around the model's parameters. */
export function inferenceGraphs(
  model: CompositionModel,
  { imagePx, featureMapShape }: InferenceGraphOptions,
): InferenceGraphs {
  const pass = ForwardPass.inference();
  const encoded = featureMapShape
    ? model.image.forwardFeatureMaps(
        cast(new Input("images", "float16", ["batch", ...featureMapShape]), "float32"),
        pass,
      )
    : model.encodeImages(new Input("images", "uint8", ["batch", imagePx, imagePx, 3]), pass);
  const regionShape = [encoded.regions.dim(1), encoded.regions.dim(2)] as const;
  const regions = new Input("regions", "float32", ["batch", ...regionShape]);
  const text = model.encodeText(
    new Input("tokens", "int64", ["batch", "words"]),
    new Input("lengths", "int64", ["batch"]),
  );
  const grid = { rows: encoded.rows, columns: encoded.columns };
  const composed = model.compose(featuresOf(regions, grid), text, pass);
  const { q, routes = [], wordAttention = [] } = composed;
  const unit = (x: Value) => l2Normalise(x, { axis: 1 });
  const queries: Record<string, Value> = { embeddings: unit(q) };
  for (const [layer, weights] of routes.entries()) queries[`routes.${layer}`] = weights;
  return {
    images: { embeddings: unit(encoded.embedding), regions: encoded.regions },
    queries,
    attention: meanAttention(wordAttention.filter((weights) => weights !== undefined)),
    layerCount: routes.length,
    regionShape,
    grid,
  };
}

/**
 * By layer [B, heads, N, T] -> [B, T, N]. The mean of all layers, not the last alone: the first layer's regions are
 * the picture's own, later ones are mixed with each other.
 */
function meanAttention(layers: readonly Value[]): Value | undefined {
  if (layers.length === 0) return undefined;
  const sum = layers
    .map((weights) => mean(weights, { axes: [1] })) // [B, N, T]
    .reduce((total, weights) => add(total, weights));
  return transposeLast(multiply(sum, 1 / layers.length));
}
