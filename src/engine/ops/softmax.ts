/** Softmax and its logarithm, with masks. */
import { applyOp, type Op } from "../graph/op.js";
import type { Value } from "../graph/value.js";
import { normaliseAxis } from "../tensor/shape.js";
import { multiply, subtract } from "./arithmetic.js";
import { where } from "./comparison.js";
import { scalarLike } from "./constant.js";
import { exp } from "./elementwise.js";
import { sum } from "./reduce.js";

export interface SoftmaxOptions {
  readonly axis: number;
  /** bool, broadcasts to x: where false, the element takes no part. At least one element an axis must. */
  readonly mask?: Value | undefined;
}

/**
 * y = e^x / sum e^x along one axis; masked-out elements give 0.
 * @example
 * import { constant, float32, runOnce, softmax } from "sdfn/models";
 * const x = constant(float32([2], [0, 0]));
 * const { y } = await runOnce({ y: softmax(x, { axis: 0 }) });
 * console.log(y.data); // Float32Array(2) [ 0.5, 0.5 ]
 */
export function softmax(x: Value, { axis, mask }: SoftmaxOptions): Value {
  return applyOp(softmaxOp, { x: masked(x, mask) }, { axis: normaliseAxis("softmax", axis, x.rank) });
}

const softmaxOp: Op<"x", { axis: number }> = {
  name: "softmax",
  inputs: ["x"],
  outputType: ({ x }) => x,
  gradient: {
    // dX = y · (dY - mean), mean = sum of dY · y. Taken off twice: what rounding leaves of a mean far larger than the differences
    // would add up over the axis, where dX sums to zero.
    x: ({ y, dy, attrs: { axis } }) => {
      const lessMean = (x: Value) => subtract(x, sum(multiply(x, y), { axes: [axis], keepDims: true }));
      return multiply(y, lessMean(lessMean(dy)));
    },
  },
  onnx: (graph, { x }, { axis }) => graph.node("Softmax", [x], { axis }),
};

/**
 * y = x - ln sum e^x along one axis; masked-out elements give about -1e30.
 * @example
 * import { constant, float32, logSoftmax, runOnce } from "sdfn/models";
 * const x = constant(float32([2], [0, 0]));
 * const { y } = await runOnce({ y: logSoftmax(x, { axis: 0 }) });
 * console.log(y.data[0].toFixed(3)); // -0.693
 */
export function logSoftmax(x: Value, { axis, mask }: SoftmaxOptions): Value {
  return applyOp(logSoftmaxOp, { x: masked(x, mask) }, { axis: normaliseAxis("logSoftmax", axis, x.rank) });
}

const logSoftmaxOp: Op<"x", { axis: number }> = {
  name: "logSoftmax",
  inputs: ["x"],
  outputType: ({ x }) => x,
  gradient: {
    x: ({ y, dy, attrs: { axis } }) =>
      subtract(dy, multiply(exp(y), sum(dy, { axes: [axis], keepDims: true }))),
  },
  onnx: (graph, { x }, { axis }) => graph.node("LogSoftmax", [x], { axis }),
};

/** A finite stand-in for minus infinity, whose differences are no NaN. */
const excludedLogit = -1e30;

function masked(x: Value, mask: Value | undefined): Value {
  return mask ? where(mask, x, scalarLike(x, excludedLogit)) : x;
}
