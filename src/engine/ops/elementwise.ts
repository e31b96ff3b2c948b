/** Functions of one operand, element by element. */
import { ShapeError } from "../../errors.js";
import { applyOp, type GradientRule, type Op } from "../graph/op.js";
import type { Value } from "../graph/value.js";
import { isFloating } from "../tensor/dtype.js";
import { divide, multiply, negate, subtract } from "./arithmetic.js";
import { less } from "./comparison.js";
import { cast, scalarLike } from "./constant.js";

/**
 * y = e^x.
 * @example
 * import { constant, exp, float32, runOnce } from "sdfn/models";
 * const x = constant(float32([1], [1]));
 * const { y } = await runOnce({ y: exp(x) });
 * console.log(y.data[0].toFixed(3)); // 2.718
 */
export function exp(x: Value): Value {
  return applyOp(expOp, { x }, undefined);
}

const expOp = unary("exp", "Exp", ({ y, dy }) => multiply(dy, y));

/**
 * y = ln x.
 * @example
 * import { constant, float32, log, runOnce } from "sdfn/models";
 * const x = constant(float32([1], [2]));
 * const { y } = await runOnce({ y: log(x) });
 * console.log(y.data[0].toFixed(3)); // 0.693
 */
export function log(x: Value): Value {
  return applyOp(logOp, { x }, undefined);
}

const logOp = unary("log", "Log", ({ x, dy }) => divide(dy, x));

/**
 * y = sqrt(x). Its gradient is infinite at 0.
 * @example
 * import { constant, float32, runOnce, sqrt } from "sdfn/models";
 * const x = constant(float32([2], [1, 4]));
 * const { y } = await runOnce({ y: sqrt(x) });
 * console.log(y.data); // Float32Array(2) [ 1, 2 ]
 */
export function sqrt(x: Value): Value {
  return applyOp(sqrtOp, { x }, undefined);
}

const sqrtOp = unary("sqrt", "Sqrt", ({ y, dy }) => divide(multiply(dy, 0.5), y));

/**
 * y = x².
 * @example
 * import { constant, float32, runOnce, square } from "sdfn/models";
 * const x = constant(float32([3], [-1, 0, 2]));
 * const { y } = await runOnce({ y: square(x) });
 * console.log(y.data); // Float32Array(3) [ 1, 0, 4 ]
 */
export function square(x: Value): Value {
  return multiply(x, x);
}

/**
 * y = tanh x.
 * @example
 * import { constant, float32, runOnce, tanh } from "sdfn/models";
 * const x = constant(float32([1], [1]));
 * const { y } = await runOnce({ y: tanh(x) });
 * console.log(y.data[0].toFixed(3)); // 0.762
 */
export function tanh(x: Value): Value {
  return applyOp(tanhOp, { x }, undefined);
}

const tanhOp = unary("tanh", "Tanh", ({ y, dy }) => multiply(dy, subtract(1, square(y))));

/**
 * y = 1 / (1 + e^-x).
 * @example
 * import { constant, float32, runOnce, sigmoid } from "sdfn/models";
 * const x = constant(float32([1], [1]));
 * const { y } = await runOnce({ y: sigmoid(x) });
 * console.log(y.data[0].toFixed(3)); // 0.731
 */
export function sigmoid(x: Value): Value {
  return applyOp(sigmoidOp, { x }, undefined);
}

const sigmoidOp = unary("sigmoid", "Sigmoid", ({ y, dy }) => multiply(dy, multiply(y, subtract(1, y))));

/**
 * y = max(x, 0); the gradient at 0 is 0.
 * @example
 * import { constant, float32, relu, runOnce } from "sdfn/models";
 * const x = constant(float32([3], [-1, 0, 2]));
 * const { y } = await runOnce({ y: relu(x) });
 * console.log(y.data); // Float32Array(3) [ 0, 0, 2 ]
 */
export function relu(x: Value): Value {
  return applyOp(reluOp, { x }, undefined);
}

// y > 0 exactly where x > 0; a product with 0 and 1 takes half the time of a choice (Where) on this runtime.
const reluOp = unary("relu", "Relu", ({ y, dy }) => multiply(dy, cast(less(scalarLike(y, 0), y), y.dtype)));

/**
 * Error function: y = 2 / sqrt(pi) · integral of e^(-t²) from 0 to x, float32 only, as the runtime has it.
 * @example
 * import { constant, erf, float32, runOnce } from "sdfn/models";
 * const x = constant(float32([1], [1]));
 * const { y } = await runOnce({ y: erf(x) });
 * console.log(y.data[0].toFixed(3)); // 0.843
 */
export function erf(x: Value): Value {
  if (x.dtype !== "float32") throw new ShapeError("erf", "needs float32", { x });
  return applyOp(erfOp, { x }, undefined);
}

const erfOp = unary("erf", "Erf", ({ x, dy }) =>
  multiply(dy, multiply(exp(negate(square(x))), 2 / Math.sqrt(Math.PI))),
);

function unary(name: string, opType: string, gradient: GradientRule<"x", undefined>): Op<"x"> {
  return {
    name,
    inputs: ["x"],
    outputType({ x }) {
      if (!isFloating(x.dtype)) throw new ShapeError(name, "needs floating-point values", { x });
      return x;
    },
    gradient: { x: gradient },
    onnx: (graph, { x }) => graph.node(opType, [x]),
  };
}
