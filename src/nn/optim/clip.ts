/** Clipping of gradients by their common norm. */
import { applyOp, type Op } from "../../engine/graph/op.js";
import type { Value } from "../../engine/graph/value.js";
import { add, divide, maximum, multiply } from "../../engine/ops/arithmetic.js";
import { full } from "../../engine/ops/constant.js";
import { sqrt } from "../../engine/ops/elementwise.js";
import { sum } from "../../engine/ops/reduce.js";
import { concat, reshape } from "../../engine/ops/shape.js";

/** Norm of all gradients together, and what to multiply each of them by. */
export interface ClippedNorm {
  /** sqrt(sum of the squares of every element): []. */
  readonly norm: Value;
  /** min(1, maxNorm / norm): []. */
  readonly factor: Value;
}

/** sqrt(sum of the squares of every element of every gradient): []. */
export function globalNorm(gradients: readonly Value[]): Value {
  const squares = gradients.map((gradient) =>
    reshape(applyOp(sumOfSquaresOp, { x: gradient }, undefined), [1]),
  );
  return sqrt(sum(concat(squares, { axis: 0 })));
}

/**
 * How to scale gradients so that their common norm is at most `maxNorm`, as torch.nn.utils.clip_grad_norm_:
 * factor = min(1, maxNorm / (norm + 1e-6)). NaN and infinity show in the norm.
 */
export function clipByGlobalNorm(gradients: readonly Value[], maxNorm: number): ClippedNorm {
  const norm = globalNorm(gradients);
  // min(1, a / b) = a / max(a, b)
  const limit = full([], maxNorm, "float32");
  return { norm, factor: divide(limit, maximum(add(norm, 1e-6), limit)) };
}

/** One node instead of a square of parameter size and its sum. */
const sumOfSquaresOp: Op<"x"> = {
  name: "sumOfSquares",
  inputs: ["x"],
  outputType: ({ x }) => ({ dtype: x.dtype, shape: [] }),
  gradient: { x: ({ x, dy }) => multiply(multiply(x, 2), dy) },
  onnx: (graph, { x }) => graph.node("ReduceSumSquare", [x], { keepdims: 0 }),
};
