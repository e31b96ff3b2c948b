/** Products with a weight matrix stored [out, in], as PyTorch stores it. */
import { ShapeError } from "../../errors.js";
import { applyOp, type Op } from "../graph/op.js";
import type { Value } from "../graph/value.js";
import { add } from "./arithmetic.js";
import { customGradient } from "./custom-gradient.js";
import { matmul } from "./matmul.js";
import { sum } from "./reduce.js";
import { concat, expandDims, reshape, slice, transposeLast } from "./shape.js";

/**
 * y = x · Wᵀ over the last axis. x [..., I], weight [O, I] -> y [..., O].
 * The same as `matmul(x, transposeLast(weight))`, but the weight's gradient comes out as [O, I] at once.
 * @throws ShapeError when the two I differ.
 */
export function linear(x: Value, weight: Value): Value {
  return applyOp(linearOp, { x, weight }, undefined);
}

const linearOp: Op<"x" | "weight"> = {
  name: "linear",
  inputs: ["x", "weight"],
  outputType({ x, weight }) {
    const [outFeatures, inFeatures] = weight.shape;
    if (outFeatures === undefined || inFeatures === undefined || weight.shape.length !== 2) {
      throw new ShapeError("linear", "the weight needs two axes [out, in]", { x, weight });
    }
    if (x.shape.at(-1) !== inFeatures)
      throw new ShapeError("linear", `the last axis must have length ${inFeatures}`, { x, weight });
    return { dtype: x.dtype, shape: [...x.shape.slice(0, -1), outFeatures] };
  },
  gradient: {
    x: ({ weight, dy }) => matmul(dy, weight), // dX = dY · W
    weight: ({ x, dy }) => matmul(transposeLast(rows(dy)), rows(x)), // dW = dYᵀ · X
  },
  // ONNX Runtime fuses the transposition into the product, and folds it where the weight is constant.
  onnx: (graph, { x, weight }) =>
    graph.node("MatMul", [x, graph.node("Transpose", [weight], { perm: [1, 0] })]),
};

/**
 * y = [x ; s] · Wᵀ + b, s repeated along x's middle axis, without ever building [x ; s]:
 * y = x · W₁ᵀ + (s · W₂ᵀ + b), W = [W₁ W₂]. x [B, N, I], s [B, K], weight [O, I + K], bias [O] (or none) -> y [B, N, O].
 * The gradient of W is joined once from its halves instead of being summed from halves padded with zeros.
 * @throws ShapeError when the widths do not add up.
 */
export function linearOfPair(x: Value, s: Value, weight: Value, bias?: Value): Value {
  const [split, inWidth] = [x.dim(-1), weight.dim(-1)];
  if (x.rank !== 3 || s.rank !== 2 || split + s.dim(-1) !== inWidth) {
    throw new ShapeError("linearOfPair", "needs x [B, N, I], s [B, K], weight [O, I + K]", { x, s, weight });
  }
  const ofX = slice(weight, { axis: 1, start: 0, end: split }); // W₁ [O, I]
  const ofS = slice(weight, { axis: 1, start: split, end: inWidth }); // W₂ [O, K]
  const fromS = bias ? add(linear(s, ofS), bias) : linear(s, ofS); // [B, O]
  const y = add(linear(x, ofX), expandDims(fromS, 1)); // [B, N, O]
  const overMiddle = (dy: Value) => sum(dy, { axes: [1] }); // [B, O]
  return customGradient<string>(
    "linearOfPair",
    y,
    { x, s, weight, ...(bias ? { bias } : {}) },
    {
      x: (dy) => matmul(dy, ofX),
      s: (dy) => matmul(overMiddle(dy), ofS),
      weight: (dy) =>
        concat([matmul(transposeLast(rows(dy)), rows(x)), matmul(transposeLast(overMiddle(dy)), s)], {
          axis: 1,
        }),
      bias: (dy) => sum(overMiddle(dy), { axes: [0] }),
    },
  );
}

/** Leading axes flattened: [..., M, N] -> [.. · M, N]. */
function rows(x: Value): Value {
  const count = x.shape.slice(0, -1).reduce<number>((product, _, axis) => product * x.dim(axis), 1);
  return reshape(x, [count, x.dim(-1)]);
}
