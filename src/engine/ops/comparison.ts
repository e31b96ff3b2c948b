/** Comparisons, boolean logic, and the choice between two values. */
import { ShapeError } from "../../errors.js";
import { applyOp, type Op } from "../graph/op.js";
import type { Value } from "../graph/value.js";
import { broadcastShapes } from "../tensor/shape.js";
import { scalarLike } from "./constant.js";

/**
 * y = (a == b), bool, shapes broadcast.
 * @example
 * import { constant, equal, float32, runOnce } from "sdfn/models";
 * const a = constant(float32([2], [1, 2]));
 * const b = constant(float32([2], [2, 2]));
 * const { y } = await runOnce({ y: equal(a, b) });
 * console.log(y.data); // Uint8Array(2) [ 0, 1 ]
 */
export function equal(a: Value, b: Value): Value {
  return applyOp(equalOp, { a, b }, undefined);
}

const equalOp = comparison("equal", "Equal");

/**
 * y = (a < b), bool, shapes broadcast.
 * @example
 * import { constant, float32, less, runOnce } from "sdfn/models";
 * const a = constant(float32([2], [1, 2]));
 * const b = constant(float32([2], [2, 2]));
 * const { y } = await runOnce({ y: less(a, b) });
 * console.log(y.data); // Uint8Array(2) [ 1, 0 ]
 */
export function less(a: Value, b: Value): Value {
  return applyOp(lessOp, { a, b }, undefined);
}

const lessOp = comparison("less", "Less");

/**
 * y = (a <= b), bool, shapes broadcast.
 * @example
 * import { constant, float32, lessOrEqual, runOnce } from "sdfn/models";
 * const a = constant(float32([2], [1, 2]));
 * const b = constant(float32([2], [2, 2]));
 * const { y } = await runOnce({ y: lessOrEqual(a, b) });
 * console.log(y.data); // Uint8Array(2) [ 1, 1 ]
 */
export function lessOrEqual(a: Value, b: Value): Value {
  return applyOp(lessOrEqualOp, { a, b }, undefined);
}

const lessOrEqualOp = comparison("lessOrEqual", "LessOrEqual");

/**
 * y = not x, bool.
 * @example
 * import { constant, float32, less, not, runOnce } from "sdfn/models";
 * const a = constant(float32([2], [1, 2]));
 * const b = constant(float32([2], [2, 2]));
 * const { y } = await runOnce({ y: not(less(a, b)) });
 * console.log(y.data); // Uint8Array(2) [ 0, 1 ]
 */
export function not(x: Value): Value {
  return applyOp(notOp, { x }, undefined);
}

const notOp: Op<"x"> = {
  name: "not",
  inputs: ["x"],
  outputType({ x }) {
    if (x.dtype !== "bool") throw new ShapeError("not", "needs booleans", { x });
    return x;
  },
  gradient: { x: "not differentiable" },
  onnx: (graph, { x }) => graph.node("Not", [x]),
};

/**
 * y = condition ? a : b elementwise, shapes broadcast; condition is bool.
 * @example
 * import { constant, float32, less, runOnce, where } from "sdfn/models";
 * const a = constant(float32([2], [1, 7]));
 * const b = constant(float32([2], [3, 5]));
 * const { y } = await runOnce({ y: where(less(a, b), a, b) });
 * console.log(y.data); // Float32Array(2) [ 1, 5 ]
 */
export function where(condition: Value, a: Value, b: Value): Value {
  return applyOp(whereOp, { condition, a, b }, undefined);
}

const whereOp: Op<"condition" | "a" | "b"> = {
  name: "where",
  inputs: ["condition", "a", "b"],
  outputType({ condition, a, b }) {
    if (condition.dtype !== "bool")
      throw new ShapeError("where", "the condition must be bool", { condition });
    if (a.dtype !== b.dtype) throw new ShapeError("where", "element types differ", { a, b });
    return {
      dtype: a.dtype,
      shape: broadcastShapes("where", condition.shape, broadcastShapes("where", a.shape, b.shape)),
    };
  },
  gradient: {
    condition: "not differentiable",
    a: ({ condition, dy }) => where(condition, dy, scalarLike(dy, 0)),
    b: ({ condition, dy }) => where(condition, scalarLike(dy, 0), dy),
  },
  onnx: (graph, { condition, a, b }) => graph.node("Where", [condition, a, b]),
};

function comparison(name: string, opType: string): Op<"a" | "b"> {
  return {
    name,
    inputs: ["a", "b"],
    outputType({ a, b }) {
      if (a.dtype !== b.dtype) throw new ShapeError(name, "element types differ", { a, b });
      return { dtype: "bool", shape: broadcastShapes(name, a.shape, b.shape) };
    },
    gradient: { a: "not differentiable", b: "not differentiable" },
    onnx: (graph, { a, b }) => graph.node(opType, [a, b]),
  };
}
