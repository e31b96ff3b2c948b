/** Multi-head attention between its input and output projections. */
import { ShapeError } from "../../errors.js";
import type { Value } from "../graph/value.js";
import { add, multiply, subtract } from "./arithmetic.js";
import { customGradient } from "./custom-gradient.js";
import { linear } from "./linear.js";
import { matmul } from "./matmul.js";
import { sum } from "./reduce.js";
import { concat, expandDims, reshape, slice, transpose, transposeLast } from "./shape.js";
import { softmax } from "./softmax.js";

/** Where attention takes its parts from. Give the same Value twice to have it projected in one product. */
export interface AttentionInputs {
  /** [B, N, D] */
  readonly query: Value;
  /** [B, T, D] */
  readonly key: Value;
  /** [B, T, D] */
  readonly value: Value;
}

export interface AttentionOptions {
  /** Projections of query, key and value one below the other, as in torch.nn.MultiheadAttention: [3D, D]. */
  readonly weight: Value;
  /** [3D] */
  readonly bias: Value;
  readonly headCount: number;
  /** bool [B, T]: keys that may be attended to; all by default. */
  readonly keyMask?: Value | undefined;
}

/** What a head sees and where: context [B, N, D] (heads side by side), weights [B, heads, N, T]. */
export interface Attended {
  readonly context: Value;
  readonly weights: Value;
}

/** One of query, key, value or several of them in a row that come from the same Value. */
interface Source {
  readonly x: Value;
  /** First row of the weight, and behind the last. */
  readonly start: number;
  readonly end: number;
}

/**
 * Q, K, V = projections of query, key, value, cut into heads of width d = D / heads;
 * weights = softmax(Q · Kᵀ / sqrt(d)) over the valid keys, context = weights · V.
 *
 * The gradient is written out, so that the packed weight's gradient is joined once from its thirds instead of being
 * summed from thirds padded with zeros. Nothing flows through `weights`.
 * @throws ShapeError when D is not a multiple of the head count or the weight is not [3D, D].
 */
export function attention(
  inputs: AttentionInputs,
  { weight, bias, headCount, keyMask }: AttentionOptions,
): Attended {
  const width = weight.dim(1);
  if (weight.dim(0) !== 3 * width || width % headCount !== 0) {
    throw new ShapeError("attention", `the weight must be [3D, D] with D a multiple of ${headCount} heads`, {
      weight,
    });
  }
  const headWidth = width / headCount;
  const sources = groupSources([inputs.query, inputs.key, inputs.value], width);
  const [q, k, v] = sources.flatMap((source) => project(source)) as [Value, Value, Value];
  const scaled = multiply(q, 1 / Math.sqrt(headWidth)); // [B, heads, N, d]
  const scores = matmul(scaled, transposeLast(k)); // [B, heads, N, T]
  const mask = keyMask && expandDims(expandDims(keyMask, 1), 2); // [B, 1, 1, T]
  const weights = softmax(scores, { axis: -1, mask });
  const composed = joinHeads(matmul(weights, v)); // [B, N, D]

  const context = customGradient<string>(
    "attention",
    composed,
    { ...Object.fromEntries(sources.map(({ x }, i) => [`source${i}`, x])), weight, bias },
    {
      ...Object.fromEntries(
        sources.map(({ start, end }, i) => [
          `source${i}`,
          (dy: Value) => matmul(gradientOfProjection(dy, i), rowsOf(weight, start, end)),
        ]),
      ),
      weight: (dy) =>
        concat(
          sources.map(({ x }, i) => matmul(transposeLast(flat(gradientOfProjection(dy, i))), flat(x))),
          { axis: 0 },
        ),
      bias: (dy) =>
        concat(
          sources.map((_, i) => sum(gradientOfProjection(dy, i), { axes: [0, 1] })),
          { axis: 0 },
        ),
    },
  );
  return { context, weights };

  /** The source's projections cut into heads, each [B, heads, T, d]. */
  function project({ x, start, end }: Source): Value[] {
    const count = (end - start) / width;
    const projected = add(linear(x, rowsOf(weight, start, end)), rowsOf(bias, start, end));
    const [batch = 0, length = 0] = x.shape;
    const cut = reshape(projected, [batch, length, count, headCount, headWidth]);
    const stacked = transpose(cut, [2, 0, 3, 1, 4]); // [count, B, heads, T, d]
    return Array.from({ length: count }, (_, i) =>
      reshape(slice(stacked, { axis: 0, start: i, end: i + 1 }), [batch, headCount, length, headWidth]),
    );
  }

  /** d(loss)/d(projections of source i) [B, T, rows] from dy = d(loss)/d(context). */
  function gradientOfProjection(dy: Value, i: number): Value {
    const dContext = transpose(reshape(dy, [dy.dim(0), dy.dim(1), headCount, headWidth]), [0, 2, 1, 3]);
    const dWeights = matmul(dContext, transposeLast(v));
    const weighted = multiply(dWeights, weights);
    const dScores = subtract(weighted, multiply(weights, sum(weighted, { axes: [-1], keepDims: true })));
    const all = [
      () => multiply(matmul(dScores, k), 1 / Math.sqrt(headWidth)),
      () => matmul(transposeLast(dScores), scaled),
      () => matmul(transposeLast(weights), dContext),
    ];
    const { x, start, end } = sources[i] as Source;
    const parts = all.slice(start / width, end / width).map((part) => expandDims(part(), 0));
    const stacked = concat(parts, { axis: 0 }); // [count, B, heads, T, d]
    return reshape(transpose(stacked, [1, 3, 0, 2, 4]), [x.dim(0), x.dim(1), end - start]);
  }
}

/** Neighbours that are the same Value become one source of more rows. */
function groupSources(parts: readonly Value[], width: number): Source[] {
  const sources: Source[] = [];
  for (const [i, x] of parts.entries()) {
    const last = sources.at(-1);
    if (last?.x === x) sources[sources.length - 1] = { ...last, end: last.end + width };
    else sources.push({ x, start: i * width, end: (i + 1) * width });
  }
  return sources;
}

function rowsOf(x: Value, start: number, end: number): Value {
  return start === 0 && end === x.dim(0) ? x : slice(x, { axis: 0, start, end });
}

/** [B, T, D] -> [B·T, D]. */
function flat(x: Value): Value {
  return reshape(x, [x.dim(0) * x.dim(1), x.dim(2)]);
}

/** [B, heads, N, d] -> [B, N, heads·d]. */
function joinHeads(x: Value): Value {
  const [batch = 0, , length = 0] = x.shape;
  return reshape(transpose(x, [0, 2, 1, 3]), [batch, length, x.dim(1) * x.dim(3)]);
}
