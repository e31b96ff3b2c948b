/** A model's two inference graphs as ONNX files, and what their inputs and outputs mean. */

import { inferenceGraphs } from "../embedding/inference-graphs.js";
import { lower } from "../engine/graph/lower.js";
import type { Value } from "../engine/graph/value.js";
import { BundleError } from "../errors.js";
import type { CompositionModel } from "../models/composition-model.js";
import type { PictureForm } from "../models/picture-inputs.js";
import { type BundleValue, maxModelBytes } from "./bundle-manifest.js";

/** An ONNX file and its description. */
export interface BundleGraph {
  readonly model: Uint8Array;
  readonly inputs: Readonly<Record<string, BundleValue>>;
  readonly outputs: Readonly<Record<string, BundleValue>>;
}

const meanings: Readonly<Record<string, string>> = {
  images: "prepared pictures",
  embeddings: "unit length; cosine of query and picture is their dot product",
  regions: "the picture's regions, row by row; of the picture alone, before any text",
  queries: "rows as `pairRow` gives them, one for each query",
  gallery: "embeddings of pictures, of unit length",
  scores: "of each query with each picture; the higher the better",
  pairRow: "what the pair scorer takes of a query",
  tokens: "words as tokens, padding last",
  lengths: "tokens of each text that are no padding, at least 1",
  attention:
    "CAM: for each token (padding: 0) its share in each region's attention, mean over layers and heads",
};

/** Room for what is not weights: nodes and names. */
const nodesBytes = 2 ** 24;

/**
 * Both graphs with the weights of now.
 * @throws BundleError when one does not fit into a file that every ONNX runtime reads.
 */
export function bundleGraphs(
  model: CompositionModel,
  options: PictureForm,
): {
  readonly images: BundleGraph;
  readonly queries: BundleGraph;
  readonly pairs: BundleGraph | undefined;
  readonly grid: { readonly rows: number; readonly columns: number };
} {
  requireFileSize(model.parameters().reduce((sum, { data }) => sum + data.byteLength, 0));
  const { images, queries, pairs, attention, grid } = inferenceGraphs(model, options);
  return {
    grid,
    images: bundleGraph(images, "picture -> embedding and regions"),
    queries: bundleGraph(
      attention ? { ...queries, attention } : queries,
      "regions and text -> query embedding, route weights, attention",
    ),
    pairs: pairs && bundleGraph(pairs, "query rows and gallery embeddings -> scores"),
  };
}

/** @throws BundleError when weights of so many bytes are too much for a file. */
export function requireFileSize(weightBytes: number): void {
  const most = maxModelBytes - nodesBytes;
  if (weightBytes <= most) return;
  throw new BundleError(
    `export: ONNX files hold at most ${most} bytes of weights; got ${weightBytes}; train a smaller model (embedDim, backbone)`,
  );
}

function bundleGraph(outputs: Readonly<Record<string, Value>>, description: string): BundleGraph {
  const { model, inputs } = lower(outputs, { parameters: "baked", metadata: { description } });
  return { model, inputs: describe(inputs), outputs: describe(new Map(Object.entries(outputs))) };
}

function describe(values: ReadonlyMap<string, Value>): Record<string, BundleValue> {
  return Object.fromEntries(
    [...values].map(([name, { dtype, shape }]) => [
      name,
      { dtype, shape: [...shape], meaning: meaningOf(name) },
    ]),
  );
}

function meaningOf(name: string): string {
  const layer = /^routes\.(\d+)$/.exec(name)?.[1];
  if (layer !== undefined) return `layer ${layer}: weight of each operation module for each destination`;
  const level = /^levels\.(.+)$/.exec(name)?.[1];
  if (level !== undefined) return `the backbone's ${level}, row by row`;
  return meanings[name] ?? name;
}
