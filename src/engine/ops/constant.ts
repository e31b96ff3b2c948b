/** Constants and changes of element type. */
import { applyOp, type Op } from "../graph/op.js";
import { Constant, type Value } from "../graph/value.js";
import { onnxDataType } from "../onnx/onnx-graph.js";
import { allocate, type DType } from "../tensor/dtype.js";
import { type Dim, elementCount, normaliseAxis, type StaticShape } from "../tensor/shape.js";
import { int64, type Tensor } from "../tensor/tensor.js";

/**
 * A tensor as part of the graph.
 * @example
 * import { constant, float32 } from "sdfn/models";
 * const x = constant(float32([2, 1], [1, 2]));
 * console.log(x.shape); // [ 2, 1 ]
 */
export function constant(tensor: Tensor): Constant {
  return new Constant(tensor);
}

/** A constant scalar of `like`'s element type: [] */
export function scalarLike(like: Value, value: number): Constant {
  return full([], value, like.dtype);
}

/**
 * A constant filled with `value`.
 * @example
 * import { full, runOnce } from "sdfn/models";
 * const { y } = await runOnce({ y: full([3], 0.5, "float32") });
 * console.log(y.data); // Float32Array(3) [ 0.5, 0.5, 0.5 ]
 */
export function full(shape: StaticShape, value: number, dtype: DType): Constant {
  const data = allocate(dtype, elementCount(shape));
  if (data instanceof BigInt64Array) data.fill(BigInt(value));
  else data.fill(value);
  return new Constant({ dtype, shape, data });
}

/** 0, 1, 2, ... along an axis of x: int64 [length of the axis]. */
export function positions(x: Value, axis: number): Value {
  const length = x.shape[normaliseAxis("positions", axis, x.rank)] as Dim;
  return typeof length === "number"
    ? constant(
        int64(
          [length],
          Array.from({ length }, (_, i) => i),
        ),
      )
    : applyOp(positionsOp, { x }, { axis, length });
}

/** The axis' length is a symbol here. */
const positionsOp: Op<"x", { axis: number; length: Dim }> = {
  name: "positions",
  inputs: ["x"],
  outputType: (_types, { length }) => ({ dtype: "int64", shape: [length] }),
  gradient: { x: "not differentiable" },
  onnx(graph, { x }, { axis }) {
    const length = graph.node("Gather", [graph.node("Shape", [x]), graph.constant(int64([], [axis]))]);
    return graph.node("Range", [graph.constant(int64([], [0])), length, graph.constant(int64([], [1]))]);
  },
};

/**
 * x in another element type. Differentiable between floating types.
 * @example
 * import { cast, constant, float32, runOnce } from "sdfn/models";
 * const x = constant(float32([2], [1, 4]));
 * const { y } = await runOnce({ y: cast(x, "int64") });
 * console.log(y.data); // BigInt64Array(2) [ 1n, 4n ]
 */
export function cast(x: Value, dtype: DType): Value {
  return x.dtype === dtype ? x : applyOp(castOp, { x }, { dtype });
}

const castOp: Op<"x", { dtype: DType }> = {
  name: "cast",
  inputs: ["x"],
  outputType: ({ x }, { dtype }) => ({ dtype, shape: x.shape }),
  gradient: { x: ({ x, dy }) => cast(dy, x.dtype) },
  onnx: (graph, { x }, { dtype }) => graph.node("Cast", [x], { to: onnxDataType(dtype) }),
};

/**
 * x with its gradient cut: y = x, dx = 0.
 * @example
 * import { gradients, mean, Parameter, runOnce, square, stopGradient, subtract } from "sdfn/models";
 * const w = new Parameter([2], Float32Array.of(1, 2));
 * const [dw] = gradients(mean(square(subtract(w, stopGradient(w)))), [w]);
 * const { y } = await runOnce({ y: dw });
 * console.log(y.data); // Float32Array(2) [ 0, 0 ]
 */
export function stopGradient(x: Value): Value {
  return applyOp(stopGradientOp, { x }, undefined);
}

const stopGradientOp: Op<"x"> = {
  name: "stopGradient",
  inputs: ["x"],
  outputType: ({ x }) => x,
  gradient: { x: "not differentiable" },
  onnx: (_graph, { x }) => x,
};
