/** Reductions over axes: sum, mean, max. */
import { ShapeError } from "../../errors.js";
import { applyOp, type Op } from "../graph/op.js";
import type { Value } from "../graph/value.js";
import { normaliseAxis, type Shape, sameShape } from "../tensor/shape.js";
import { divide, multiply } from "./arithmetic.js";
import { equal } from "./comparison.js";
import { cast } from "./constant.js";
import { broadcastTo, reshape } from "./shape.js";

export interface ReduceOptions {
  /** Axes to reduce; all of them by default. */
  readonly axes?: readonly number[];
  /** Keep reduced axes with length 1 (default: drop them). */
  readonly keepDims?: boolean;
}

/**
 * Sum over axes.
 * @example
 * import { constant, float32, runOnce, sum } from "sdfn/models";
 * const x = constant(float32([2, 3], [1, 2, 3, 4, 5, 6]));
 * const { y } = await runOnce({ y: sum(x, { axes: [1] }) });
 * console.log(y.data); // Float32Array(2) [ 6, 15 ]
 */
export function sum(x: Value, options: ReduceOptions = {}): Value {
  return reduce(sumOp, x, options);
}

/**
 * Mean over axes.
 * @example
 * import { constant, float32, mean, runOnce } from "sdfn/models";
 * const x = constant(float32([2, 3], [1, 2, 3, 4, 5, 6]));
 * const { y } = await runOnce({ y: mean(x, { axes: [1] }) });
 * console.log(y.data); // Float32Array(2) [ 2, 5 ]
 */
export function mean(x: Value, options: ReduceOptions = {}): Value {
  return reduce(meanOp, x, options);
}

/**
 * Largest element over axes. Equal largest elements share the gradient evenly, as torch.amax.
 * @example
 * import { constant, float32, max, runOnce } from "sdfn/models";
 * const x = constant(float32([2, 3], [1, 2, 3, 4, 5, 6]));
 * const { y } = await runOnce({ y: max(x, { axes: [1] }) });
 * console.log(y.data); // Float32Array(2) [ 3, 6 ]
 */
export function max(x: Value, options: ReduceOptions = {}): Value {
  return reduce(maxOp, x, options);
}

/** Sums broadcast axes away until x has `shape`: the transpose of `broadcastTo`. */
export function sumTo(x: Value, shape: Shape): Value {
  if (sameShape(x.shape, shape)) return x;
  const added = x.rank - shape.length;
  const axes = x.shape.flatMap((dim, axis) =>
    axis < added || (shape[axis - added] === 1 && dim !== 1) ? [axis] : [],
  );
  return reshape(sum(x, { axes, keepDims: true }), shape);
}

interface ReduceAttrs {
  readonly axes: readonly number[];
}

function reduce(op: Op<"x", ReduceAttrs>, x: Value, { axes, keepDims = false }: ReduceOptions): Value {
  const reduced = (axes ?? x.shape.map((_, axis) => axis)).map((axis) =>
    normaliseAxis(op.name, axis, x.rank),
  );
  if (reduced.length === 0) return x;
  const kept = applyOp(op, { x }, { axes: reduced.toSorted((a, b) => a - b) });
  return keepDims
    ? kept
    : reshape(
        kept,
        x.shape.filter((_, axis) => !reduced.includes(axis)),
      );
}

const sumOp = reduction("sum", "ReduceSum", ({ x, dy }) => broadcastTo(dy, x.shape));

const meanOp = reduction("mean", "ReduceMean", ({ x, dy, attrs: { axes } }) => {
  const count = axes.reduce((product, axis) => product * x.dim(axis), 1);
  return broadcastTo(multiply(dy, 1 / count), x.shape);
});

const maxOp = reduction("max", "ReduceMax", ({ x, y, dy, attrs: { axes } }) => {
  const isLargest = cast(equal(x, y), x.dtype);
  return multiply(divide(dy, sum(isLargest, { axes, keepDims: true })), isLargest);
});

function reduction(
  name: string,
  opType: string,
  gradient: (context: { x: Value; y: Value; dy: Value; attrs: ReduceAttrs }) => Value,
): Op<"x", ReduceAttrs> {
  return {
    name,
    inputs: ["x"],
    outputType({ x }, { axes }) {
      if (new Set(axes).size !== axes.length)
        throw new ShapeError(name, `axes repeat: [${axes.join(", ")}]`, { x });
      const shape: Shape = x.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
      return { dtype: x.dtype, shape };
    },
    gradient: { x: gradient },
    onnx: (graph, { x }, { axes }) => graph.node(opType, [x, graph.ints(axes)], { keepdims: 1 }),
  };
}
