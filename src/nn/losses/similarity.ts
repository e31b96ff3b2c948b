/** Scaled cosine similarities of a batch. */
import type { Value } from "../../engine/graph/value.js";
import { multiply } from "../../engine/ops/arithmetic.js";
import { cast } from "../../engine/ops/constant.js";
import { linear } from "../../engine/ops/linear.js";
import { l2Normalise } from "../../engine/ops/normalisation.js";

/**
 * scale · cos(a_i, t_j). a, t [B, D], of any length, scale [] -> float64 [B, B].
 * Gradients flow to a, t and the scale.
 *
 * In float64, and so are the losses on it: log(1 + small) and p - 1 cancel where the batch is almost right, and float32
 * would leave few digits of the loss. It costs two small products.
 * @example
 * import { constant, filled, float32, parameter, runOnce, scaledSimilarity } from "sdfn/models";
 * const q = constant(float32([2, 2], [1, 0, 0, 1]));
 * const t = constant(float32([2, 2], [2, 0, 0, 2]));
 * const scale = parameter([], filled(10));
 * const { y } = await runOnce({ y: scaledSimilarity(q, t, scale) });
 * console.log(y.data); // Float64Array(4) [ 10, 0, 0, 10 ]
 */
export function scaledSimilarity(a: Value, t: Value, scale: Value): Value {
  const unit = (x: Value) => l2Normalise(cast(x, "float64"), { axis: 1 });
  return multiply(linear(unit(a), unit(t)), cast(scale, "float64"));
}
