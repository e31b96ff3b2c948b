/** Sums that are weighted by a softmax. */
import type { Value } from "../engine/graph/value.js";
import { matmul } from "../engine/ops/matmul.js";
import { expandDims, reshape } from "../engine/ops/shape.js";
import { softmax } from "../engine/ops/softmax.js";

/**
 * y_m = sum over l of softmax_l(e_ml) · x_l. scores e [B, M, L], x [B, L, D] -> y [B, M, D]; scores [B, L] -> y [B, D].
 * @param mask bool [B, L], true = takes part; all by default.
 * @example
 * import { constant, float32, runOnce, softmaxPool } from "sdfn/models";
 * const scores = constant(float32([1, 2], [0, 0]));
 * const x = constant(float32([1, 2, 1], [1, 3]));
 * const { y } = await runOnce({ y: softmaxPool(scores, x) });
 * console.log(y.data); // Float32Array(1) [ 2 ]
 */
export function softmaxPool(scores: Value, x: Value, mask?: Value): Value {
  if (scores.rank === 2) {
    const [batch = 0] = x.shape;
    return reshape(softmaxPool(expandDims(scores, 1), x, mask), [batch, x.dim(2)]);
  }
  return matmul(softmax(scores, { axis: 2, mask: mask && expandDims(mask, 1) }), x);
}
