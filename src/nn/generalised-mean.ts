/** Generalised mean over the positions of a map or the words of a text. */
import type { Value } from "../engine/graph/value.js";
import { power } from "../engine/ops/activations.js";
import { divide, multiply } from "../engine/ops/arithmetic.js";
import { cast } from "../engine/ops/constant.js";
import { exp, log } from "../engine/ops/elementwise.js";
import { mean, sum } from "../engine/ops/reduce.js";
import { expandDims } from "../engine/ops/shape.js";

const least = 1e-6;

/**
 * y = (mean over the places of max(x, 1e-6)^p)^(1/p) (Radenović et al., TPAMI 2019). x [B, N, C], p [1], learned -> [B, C].
 * @param mask bool [B, N]: false takes no part.
 * @example
 * import { constant, float32, generalisedMean, runOnce } from "sdfn/models";
 * const x = constant(float32([1, 2, 1], [1, 7]));
 * const { y } = await runOnce({ y: generalisedMean(x, constant(float32([1], [2]))) });
 * console.log(y.data[0].toFixed(3)); // 5.000
 */
export function generalisedMean(x: Value, p: Value, mask?: Value): Value {
  const exponent = cast(p, "float64");
  const powers = power(cast(x, "float64"), exponent, least); // [B, N, C]
  const y = exp(divide(log(mask ? meanOf(powers, mask) : mean(powers, { axes: [1] })), exponent));
  return cast(y, x.dtype);
}

function meanOf(x: Value, mask: Value): Value {
  const weights = expandDims(cast(mask, x.dtype), 2); // [B, N, 1]
  return divide(sum(multiply(x, weights), { axes: [1] }), sum(weights, { axes: [1] }));
}
