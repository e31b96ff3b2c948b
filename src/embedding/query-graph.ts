/** Runs a model's query graph: the features of reference pictures and the tokens of texts in, embeddings and routes out. */
import { type GraphSession, usedFeeds } from "../engine/runtime/session.js";
import { elementCount } from "../engine/tensor/shape.js";
import type { Tensor } from "../engine/tensor/tensor.js";
import type { TextTensors } from "../text/encode-texts.js";

/** Shapes [N, C] of what a query needs of one picture, by name among the graphs' inputs and outputs: `regions` first. */
export type FeatureShapes = ReadonlyMap<string, readonly [regions: number, width: number]>;

/** Numbers that all features of one picture have together. */
export function featureLength(shapes: FeatureShapes): number {
  return [...shapes.values()].reduce((sum, shape) => sum + elementCount(shape), 0);
}

/** The features of picture `row` of a batch, one after the other. @param isView they are used at once. */
export function featuresAt(
  outputs: Readonly<Record<string, Tensor>>,
  { shapes, row, isView = false }: { shapes: FeatureShapes; row: number; isView?: boolean },
): Float32Array {
  const parts = [...shapes].map(([name, shape]) => {
    const length = elementCount(shape);
    const { data } = outputs[name] as Tensor;
    return (data as Float32Array).subarray(row * length, (row + 1) * length);
  });
  const [only] = parts;
  if (only && parts.length === 1) return isView ? only : only.slice();
  const joined = new Float32Array(featureLength(shapes));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** What a batch of queries gives; rows are queries. */
export interface ComposedQueries {
  /** [b, E], unit length. */
  readonly embeddings: Tensor;
  /** By layer [b, M, J]; empty for models without routers. */
  readonly routes: readonly Tensor[];
  /** [b, T, N]; only of graphs that have it. */
  readonly attention: Tensor | undefined;
  /** [b, W] for a model that scores pairs. */
  readonly pairRows: Tensor | undefined;
}

/** @param references features of each query's picture; zeros stand for none. */
export async function composeQueries(
  session: GraphSession<string>,
  {
    shapes,
    references,
    texts,
  }: { shapes: FeatureShapes; references: readonly (Float32Array | undefined)[]; texts: TextTensors },
): Promise<ComposedQueries> {
  const feeds: Record<string, Tensor> = { tokens: texts.tokens, lengths: texts.lengths };
  let at = 0;
  for (const [name, shape] of shapes) {
    const length = elementCount(shape);
    const data = new Float32Array(references.length * length);
    for (const [i, own] of references.entries()) if (own) data.set(own.subarray(at, at + length), i * length);
    feeds[name] = { dtype: "float32", shape: [references.length, ...shape], data };
    at += length;
  }
  // A model that looks at one modality only has no input for the other.
  const results: Readonly<Record<string, Tensor>> = await session.run(usedFeeds(session, feeds));
  const layers = Object.keys(results).filter((name) => name.startsWith("routes."));
  return {
    embeddings: results.embeddings as Tensor,
    routes: layers.map((_, layer) => results[`routes.${layer}`] as Tensor),
    attention: results.attention,
    pairRows: results.pairRow,
  };
}

/** x[row] of x [b, ...], a copy unless it is used at once. */
export function rowOf(
  x: Tensor,
  row: number,
  { isView = false }: { readonly isView?: boolean } = {},
): Float32Array {
  const data = x.data as Float32Array;
  const size = data.length / (x.shape[0] ?? 1);
  return isView ? data.subarray(row * size, (row + 1) * size) : data.slice(row * size, (row + 1) * size);
}

/** x[row] of x [b, M, J] as rows of numbers. */
export function matrixAt(x: Tensor, row: number): number[][] {
  const [, rowCount = 0, columnCount = 0] = x.shape;
  const values = rowOf(x, row, { isView: true });
  return Array.from({ length: rowCount }, (_, i) =>
    Array.from(values.subarray(i * columnCount, (i + 1) * columnCount)),
  );
}
