/** Activations that are made of other ops. */
import type { Value } from "../graph/value.js";
import { add, maximum, multiply, negate } from "./arithmetic.js";
import { erf, exp, log, sigmoid, square, tanh } from "./elementwise.js";

/**
 * y = x where x is above 0, else slope · x.
 * @example
 * import { constant, float32, leakyRelu, runOnce } from "sdfn/models";
 * const x = constant(float32([2], [-1, 2]));
 * const { y } = await runOnce({ y: leakyRelu(x, 0.5) });
 * console.log(y.data); // Float32Array(2) [ -0.5, 2 ]
 */
export function leakyRelu(x: Value, slope: number): Value {
  return maximum(x, multiply(x, slope));
}

/**
 * y = x · (1 + erf(x / sqrt(2))) / 2, the exact form.
 * @example
 * import { constant, float32, gelu, runOnce } from "sdfn/models";
 * const x = constant(float32([1], [1]));
 * const { y } = await runOnce({ y: gelu(x) });
 * console.log(y.data[0].toFixed(3)); // 0.841
 */
export function gelu(x: Value): Value {
  return multiply(multiply(x, 0.5), add(erf(multiply(x, Math.SQRT1_2)), 1));
}

/**
 * y = x / 2 · (1 + tanh(sqrt(2 / pi) · (x + 0.044715 x³))): the form of `gelu` that SigLIP and BERT's code have; off by up to 5e-4.
 * @example
 * import { constant, float32, runOnce, tanhGelu } from "sdfn/models";
 * const x = constant(float32([1], [1]));
 * const { y } = await runOnce({ y: tanhGelu(x) });
 * console.log(y.data[0].toFixed(4)); // 0.8412
 */
export function tanhGelu(x: Value): Value {
  const inner = multiply(multiply(x, add(multiply(square(x), 0.044715), 1)), Math.sqrt(2 / Math.PI));
  return multiply(multiply(x, 0.5), add(tanh(inner), 1));
}

/**
 * y = x · sigmoid(1.702 x): the form of `gelu` that OpenAI's CLIP has; off by up to 2e-2.
 * @example
 * import { constant, float32, quickGelu, runOnce } from "sdfn/models";
 * const x = constant(float32([1], [1]));
 * const { y } = await runOnce({ y: quickGelu(x) });
 * console.log(y.data[0].toFixed(4)); // 0.8458
 */
export function quickGelu(x: Value): Value {
  return multiply(x, sigmoid(multiply(x, 1.702)));
}

/**
 * y = x · sigmoid(x).
 * @example
 * import { constant, float32, runOnce, silu } from "sdfn/models";
 * const x = constant(float32([1], [1]));
 * const { y } = await runOnce({ y: silu(x) });
 * console.log(y.data[0].toFixed(4)); // 0.7311
 */
export function silu(x: Value): Value {
  return multiply(x, sigmoid(x));
}

/**
 * y = ln(1 + e^x), computed as max(x, 0) + ln(1 + e^-|x|).
 * @example
 * import { constant, float32, runOnce, softplus } from "sdfn/models";
 * const x = constant(float32([1], [0]));
 * const { y } = await runOnce({ y: softplus(x) });
 * console.log(y.data[0].toFixed(3)); // 0.693
 */
export function softplus(x: Value): Value {
  const magnitude = maximum(x, negate(x));
  return add(maximum(x, 0), log(add(exp(negate(magnitude)), 1)));
}

/**
 * y = max(x, least)^exponent, `exponent` a learned value that broadcasts to x. `least` must be above 0.
 * @example
 * import { constant, float32, power, runOnce } from "sdfn/models";
 * const x = constant(float32([1], [2]));
 * const { y } = await runOnce({ y: power(x, constant(float32([1], [3])), 1e-6) });
 * console.log(y.data[0].toFixed(3)); // 8.000
 */
export function power(x: Value, exponent: Value, least: number): Value {
  return exp(multiply(exponent, log(maximum(x, least))));
}
