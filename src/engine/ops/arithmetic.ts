/** Arithmetic of two operands that broadcast as NumPy's do. */
import { ShapeError } from "../../errors.js";
import { applyOp, type GradientRule, type Op } from "../graph/op.js";
import type { TensorType, Value } from "../graph/value.js";
import { type DType, isFloating } from "../tensor/dtype.js";
import { broadcastShapes } from "../tensor/shape.js";
import { lessOrEqual, where } from "./comparison.js";
import { scalarLike } from "./constant.js";

/** A value, or a number that stands for a scalar of the other operand's type. */
export type Operand = Value | number;

/**
 * y = a + b, shapes broadcast.
 * @example
 * import { add, constant, float32, runOnce } from "sdfn/models";
 * const a = constant(float32([2], [1, 2]));
 * const b = constant(float32([2], [3, 5]));
 * const { y } = await runOnce({ y: add(a, b) });
 * console.log(y.data); // Float32Array(2) [ 4, 7 ]
 */
export function add(a: Operand, b: Operand): Value {
  return applyOp(addOp, operands("add", a, b), undefined);
}

const addOp = binary("add", "Add", {
  a: ({ dy }) => dy,
  b: ({ dy }) => dy,
});

/**
 * y = a - b, shapes broadcast.
 * @example
 * import { constant, float32, runOnce, subtract } from "sdfn/models";
 * const a = constant(float32([2], [1, 2]));
 * const b = constant(float32([2], [3, 5]));
 * const { y } = await runOnce({ y: subtract(a, b) });
 * console.log(y.data); // Float32Array(2) [ -2, -3 ]
 */
export function subtract(a: Operand, b: Operand): Value {
  return applyOp(subtractOp, operands("subtract", a, b), undefined);
}

const subtractOp = binary("subtract", "Sub", {
  a: ({ dy }) => dy,
  b: ({ dy }) => negate(dy),
});

/**
 * y = a * b elementwise, shapes broadcast.
 * @example
 * import { constant, float32, multiply, runOnce } from "sdfn/models";
 * const a = constant(float32([2], [1, 2]));
 * const b = constant(float32([2], [3, 5]));
 * const { y } = await runOnce({ y: multiply(a, b) });
 * console.log(y.data); // Float32Array(2) [ 3, 10 ]
 */
export function multiply(a: Operand, b: Operand): Value {
  return applyOp(multiplyOp, operands("multiply", a, b), undefined);
}

const multiplyOp = binary("multiply", "Mul", {
  a: ({ b, dy }) => multiply(dy, b),
  b: ({ a, dy }) => multiply(dy, a),
});

/**
 * y = a / b elementwise, shapes broadcast.
 * @example
 * import { constant, divide, float32, runOnce } from "sdfn/models";
 * const a = constant(float32([2], [1, 2]));
 * const b = constant(float32([2], [2, 4]));
 * const { y } = await runOnce({ y: divide(a, b) });
 * console.log(y.data); // Float32Array(2) [ 0.5, 0.5 ]
 */
export function divide(a: Operand, b: Operand): Value {
  return applyOp(divideOp, operands("divide", a, b), undefined);
}

const divideOp = binary("divide", "Div", {
  a: ({ b, dy }) => divide(dy, b),
  b: ({ b, y, dy }) => negate(divide(multiply(dy, y), b)), // d(a/b)/db = -(a/b)/b
});

/**
 * y = max(a, b) elementwise, shapes broadcast. Where they are equal the gradient goes to a.
 * @example
 * import { constant, float32, maximum, runOnce } from "sdfn/models";
 * const a = constant(float32([2], [1, 2]));
 * const b = constant(float32([2], [3, 5]));
 * const { y } = await runOnce({ y: maximum(a, b) });
 * console.log(y.data); // Float32Array(2) [ 3, 5 ]
 */
export function maximum(a: Operand, b: Operand): Value {
  return applyOp(maximumOp, operands("maximum", a, b), undefined);
}

const maximumOp = binary("maximum", "Max", {
  a: ({ a, b, dy }) => where(lessOrEqual(b, a), dy, scalarLike(dy, 0)),
  b: ({ a, b, dy }) => where(lessOrEqual(b, a), scalarLike(dy, 0), dy),
});

/**
 * y = -x.
 * @example
 * import { constant, float32, negate, runOnce } from "sdfn/models";
 * const x = constant(float32([3], [-1, 0, 2]));
 * const { y } = await runOnce({ y: negate(x) });
 * console.log(y.data); // Float32Array(3) [ 1, -0, -2 ]
 */
export function negate(x: Value): Value {
  return applyOp(negateOp, { x }, undefined);
}

const negateOp: Op<"x"> = {
  name: "negate",
  inputs: ["x"],
  outputType({ x }) {
    if (!isFloating(x.dtype)) throw new ShapeError("negate", "needs floating-point values", { x });
    return x;
  },
  gradient: { x: ({ dy }) => negate(dy) },
  onnx: (graph, { x }) => graph.node("Neg", [x]),
};

function operands(where: string, a: Operand, b: Operand): { a: Value; b: Value } {
  if (typeof a === "number") {
    if (typeof b === "number")
      throw new ShapeError(where, "at least one operand must be a graph value", { a, b });
    return { a: scalarLike(b, a), b };
  }
  return { a, b: typeof b === "number" ? scalarLike(a, b) : b };
}

type Rules = { a: GradientRule<"a" | "b", undefined>; b: GradientRule<"a" | "b", undefined> };

function binary(name: string, opType: string, gradient: Rules): Op<"a" | "b"> {
  return {
    name,
    inputs: ["a", "b"],
    outputType: ({ a, b }) => ({
      dtype: commonDType(name, a, b),
      shape: broadcastShapes(name, a.shape, b.shape),
    }),
    gradient,
    onnx: (graph, { a, b }) => graph.node(opType, [a, b]),
  };
}

function commonDType(where: string, a: TensorType, b: TensorType): DType {
  if (a.dtype !== b.dtype) throw new ShapeError(where, "element types differ", { a, b });
  return a.dtype;
}
