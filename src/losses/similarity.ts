/** Scaled cosine similarities of a batch. */
import type { Value } from "../graph/value.js";
import { multiply } from "../ops/arithmetic.js";
import { linear } from "../ops/linear.js";
import { l2Normalise } from "../ops/normalisation.js";

/**
 * scale · cos(a_i, t_j). a, t [B, D], of any length, scale [] -> [B, B].
 * Gradients flow to a, t and the scale.
 */
export function scaledSimilarity(a: Value, t: Value, scale: Value): Value {
  return multiply(linear(l2Normalise(a, { axis: 1 }), l2Normalise(t, { axis: 1 })), scale);
}
