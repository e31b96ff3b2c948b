/** Embeddings that consist of named parts, compared by the weighted sum of the parts' cosines. */
import type { Value } from "../engine/graph/value.js";
import { multiply } from "../engine/ops/arithmetic.js";
import { l2Normalise } from "../engine/ops/normalisation.js";
import { concat } from "../engine/ops/shape.js";
import { ConfigError } from "../errors.js";

/** Each [B, E_k], of any length. */
export type Parts = Readonly<Record<string, Value>>;

/**
 * Named parts as the one embedding that is stored: [sqrt(w_1) · unit(p_1) ; sqrt(w_2) · unit(p_2) ; ...], in the order of
 * `weights`. The dot product of two is the sum of w_k · cos(p_k, p'_k), so an index ranks by it as by any embedding.
 * parts each [B, E_k] -> [B, sum of E_k].
 * @throws ConfigError when a part has no weight, a weight no part, or one is not above 0.
 * @example
 * import { Input, joinParts } from "sdfn/models";
 * const picture = new Input("picture", "float32", [2, 16]);
 * const colours = new Input("colours", "float32", [2, 3]);
 * console.log(joinParts({ picture, colours }, { picture: 1, colours: 0.25 }).shape); // [ 2, 19 ]
 */
export function joinParts(parts: Parts, weights: Readonly<Record<string, number>>): Value {
  const joined = Object.entries(weights).map(([name, weight]) => {
    const part = parts[name];
    if (!part || !(weight > 0)) {
      throw new ConfigError(
        `joinParts: every weight must be above 0 and have its part; got ${name} of weight ${weight}, parts ${Object.keys(parts).join(", ")}`,
      );
    }
    return multiply(l2Normalise(part, { axis: 1 }), Math.sqrt(weight));
  });
  const unweighted = Object.keys(parts).filter((name) => !(name in weights));
  if (unweighted.length > 0) throw new ConfigError(`joinParts: no weight for ${unweighted.join(", ")}`);
  return concat(joined, { axis: 1 });
}
