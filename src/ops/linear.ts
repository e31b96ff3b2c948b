/** Products with a weight matrix stored [out, in], as PyTorch stores it. */
import { ShapeError } from "../errors.js";
import { applyOp, type Op } from "../graph/op.js";
import type { Value } from "../graph/value.js";
import { matmul } from "./matmul.js";
import { sum } from "./reduce.js";
import { concat, reshape, slice, transposeLast } from "./shape.js";

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
 * y = [x ; s] · Wᵀ, s repeated along the axis that x has and s has not, without ever building [x ; s]:
 * y = x · W₁ᵀ + s · W₂ᵀ, W = [W₁ W₂]. x [B, N, I], s [B, K], weight [O, I + K] -> y [B, N, O].
 * @throws ShapeError when the widths do not add up.
 */
export function linearOfPair(x: Value, s: Value, weight: Value): Value {
  return applyOp(linearOfPairOp, { x, s, weight }, undefined);
}

const linearOfPairOp: Op<"x" | "s" | "weight"> = {
  name: "linearOfPair",
  inputs: ["x", "s", "weight"],
  outputType({ x, s, weight }) {
    const [batch, count, xWidth] = x.shape;
    const [batchOfS, sWidth] = s.shape;
    const [outFeatures, inFeatures] = weight.shape;
    const hasRanks = x.shape.length === 3 && s.shape.length === 2 && weight.shape.length === 2;
    if (!hasRanks || batch === undefined || count === undefined || outFeatures === undefined) {
      throw new ShapeError("linearOfPair", "needs x [B, N, I], s [B, K], weight [O, I + K]", {
        x,
        s,
        weight,
      });
    }
    if (batch !== batchOfS || Number(xWidth) + Number(sWidth) !== inFeatures) {
      throw new ShapeError("linearOfPair", "batches differ or widths do not add up", { x, s, weight });
    }
    return { dtype: x.dtype, shape: [batch, count, outFeatures] };
  },
  gradient: {
    x: ({ x, weight, dy }) => matmul(dy, columns(weight, 0, x.dim(-1))),
    s: ({ x, weight, dy }) => matmul(sum(dy, { axes: [1] }), columns(weight, x.dim(-1), weight.dim(-1))),
    weight({ x, s, dy }) {
      const ofX = matmul(transposeLast(rows(dy)), rows(x));
      const ofS = matmul(transposeLast(sum(dy, { axes: [1] })), s);
      return concat([ofX, ofS], { axis: 1 });
    },
  },
  onnx(graph, { x, s, weight }, _, { x: xType, weight: weightType }) {
    const split = Number(xType.shape.at(-1));
    const part = (start: number, end: number) =>
      graph.node(
        "Transpose",
        [
          graph.node("Slice", [
            weight,
            graph.ints([start]),
            graph.ints([end]),
            graph.ints([1]),
            graph.ints([1]),
          ]),
        ],
        { perm: [1, 0] },
      );
    const ofX = graph.node("MatMul", [x, part(0, split)]);
    const ofS = graph.node("MatMul", [s, part(split, Number(weightType.shape[1]))]);
    return graph.node("Add", [ofX, graph.node("Unsqueeze", [ofS, graph.ints([1])])]);
  },
};

function columns(weight: Value, start: number, end: number): Value {
  return slice(weight, { axis: 1, start, end });
}

/** Leading axes flattened: [..., M, N] -> [.. · M, N]. */
function rows(x: Value): Value {
  const count = x.shape.slice(0, -1).reduce<number>((product, _, axis) => product * x.dim(axis), 1);
  return reshape(x, [count, x.dim(-1)]);
}
