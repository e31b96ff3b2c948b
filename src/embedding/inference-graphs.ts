/** The graphs that a trained model is asked with: pictures -> features and embeddings; features and words -> query embeddings; pairs -> scores. */
import { Input, type Value } from "../engine/graph/value.js";
import { add, multiply } from "../engine/ops/arithmetic.js";
import { l2Normalise } from "../engine/ops/normalisation.js";
import { mean } from "../engine/ops/reduce.js";
import { transposeLast } from "../engine/ops/shape.js";
import { GraphError } from "../errors.js";
import type { CompositionModel } from "../models/composition-model.js";
import { featuresOf, type ImageFeatures } from "../models/image-encoder.js";
import { type PictureForm, pictureInputs } from "../models/picture-inputs.js";
import { ForwardPass } from "../nn/forward-pass.js";
import type { FeatureShapes } from "./query-graph.js";

/** Outputs by name; `batch`, T and `rows` are any numbers. */
export interface InferenceGraphs {
  /**
   * `images` uint8 [batch, S, S, 3] (or maps, float16) -> unit `embeddings` [batch, E], `regions` [batch, N, D] and, for a
   * model that looks at lower stages, `levels.NAME` [batch, N_l, C_l].
   */
  readonly images: Readonly<Record<string, Value>> & { readonly embeddings: Value; readonly regions: Value };
  /**
   * The same features of a reference, `tokens` int64 [batch, T], `lengths` int64 [batch] -> unit embeddings [batch, E] and,
   * for models with routers, `routes.0`, `routes.1`, ... [batch, M, J]; for a model that scores pairs, `pairRow`
   * [batch, W]. A model that looks at one half only has no input for the other.
   */
  readonly queries: Readonly<Record<string, Value>>;
  /**
   * For a model that takes routes: as `queries` with inputs `routes.0`, `routes.1`, ... [batch, M, J] in place of its own ->
   * unit `embeddings` [batch, E].
   */
  readonly along: { readonly embeddings: Value } | undefined;
  /** For a model that scores pairs: `queries` [batch, W], `gallery` [rows, E] -> `scores` [batch, rows]. */
  readonly pairs: { readonly scores: Value } | undefined;
  /** CAM's attention from the inputs of `queries`, mean over layers and heads: each region's share for each word [batch, T, N]. */
  readonly attention: Value | undefined;
  readonly layerCount: number;
  /** E, width of the embeddings: D, or what the model's `embedTarget` gives. */
  readonly embedDim: number;
  /** What a query needs of its reference. */
  readonly featureShapes: FeatureShapes;
  /** Regions lie in rows from the top, each from the left. */
  readonly grid: { readonly rows: number; readonly columns: number };
}

/** Builds the graphs around the model's parameters. */
export function inferenceGraphs(model: CompositionModel, form: PictureForm): InferenceGraphs {
  const pass = ForwardPass.inference();
  const pictures = pictureInputs("batch", form);
  const encoded = form.featureMapShapes
    ? model.image.forwardFeatureMaps(pictures, pass)
    : model.encodeImages(pictures.images, pass);
  const unit = (x: Value) => l2Normalise(x, { axis: 1 });
  const images = {
    embeddings: unit(model.embedTarget(encoded, pass).embedding),
    regions: encoded.regions,
    ...Object.fromEntries(encoded.levels.map(({ name, regions }) => [levelName(name), regions])),
  };
  const text = model.encodeText(
    new Input("tokens", "int64", ["batch", "words"]),
    new Input("lengths", "int64", ["batch"]),
  );
  const reference = fedFeatures(encoded);
  const composed = model.compose(reference, text, pass);
  const { q, routes = [], wordAttention = [], pairRow } = composed;
  const queries: Record<string, Value> = { embeddings: unit(q) };
  for (const [layer, weights] of routes.entries()) queries[`routes.${layer}`] = weights;
  if (pairRow) queries.pairRow = pairRow;
  const embedDim = images.embeddings.dim(1);
  const given = routes.map(({ shape }, layer) => new Input(`routes.${layer}`, "float32", shape));
  const along = routes.length > 0 ? model.composeAlong(given, { reference, text }, pass) : undefined;
  return {
    images,
    queries,
    along: along && { embeddings: unit(along.q) },
    pairs: pairGraph(model, { pairRow, embedDim }),
    attention: meanAttention(wordAttention.filter((weights) => weights !== undefined)),
    layerCount: routes.length,
    embedDim,
    featureShapes: shapesOf(encoded),
    grid: { rows: encoded.rows, columns: encoded.columns },
  };
}

/** Name of a level's features among inputs and outputs. */
function levelName(level: string): string {
  return `levels.${level}`;
}

/** The same features as inputs. */
function fedFeatures(encoded: ImageFeatures): ImageFeatures {
  const fed = (name: string, { shape: [, ...rest] }: Value) => new Input(name, "float32", ["batch", ...rest]);
  const levels = encoded.levels.map((level) => ({
    ...level,
    regions: fed(levelName(level.name), level.regions),
  }));
  const { rows, columns } = encoded;
  return featuresOf(fed("regions", encoded.regions), { rows, columns, levels });
}

function shapesOf({ regions, levels }: ImageFeatures): FeatureShapes {
  const shapeOf = (x: Value) => [x.dim(1), x.dim(2)] as const;
  return new Map([
    ["regions", shapeOf(regions)],
    ...levels.map((level) => [levelName(level.name), shapeOf(level.regions)] as const),
  ]);
}

/** @throws GraphError when a model that scores pairs composes no row for it. */
function pairGraph(
  { pairScoring, constructor: { name } }: CompositionModel,
  { pairRow, embedDim }: { readonly pairRow: Value | undefined; readonly embedDim: number },
): InferenceGraphs["pairs"] {
  if (!pairScoring) return undefined;
  if (!pairRow) throw new GraphError(`${name}: scores pairs, so compose must give a pairRow; got none`);
  const rows = new Input("queries", "float32", ["batch", pairRow.dim(1)]);
  const gallery = new Input("gallery", "float32", ["rows", embedDim]);
  return { scores: pairScoring.score(rows, gallery) };
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
