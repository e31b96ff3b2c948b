/** Constants and changes of element type. */
import { applyOp, type Op } from "../graph/op.js";
import { Constant, type Value } from "../graph/value.js";
import { onnxDataType } from "../onnx/onnx-graph.js";
import { allocate, type DType } from "../tensor/dtype.js";
import { elementCount, type StaticShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";

/** A tensor as part of the graph. */
export function constant(tensor: Tensor): Constant {
  return new Constant(tensor);
}

/** A constant scalar of `like`'s element type: [] */
export function scalarLike(like: Value, value: number): Constant {
  return full([], value, like.dtype);
}

/** A constant filled with `value`. */
export function full(shape: StaticShape, value: number, dtype: DType): Constant {
  const data = allocate(dtype, elementCount(shape));
  if (data instanceof BigInt64Array) data.fill(BigInt(value));
  else data.fill(value);
  return new Constant({ dtype, shape, data });
}

/** x in another element type. Differentiable between floating types. */
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

/** x with its gradient cut: y = x, dx = 0. */
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
