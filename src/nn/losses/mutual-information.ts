/** A bound of mutual information, as a loss. */
import type { Value } from "../../engine/graph/value.js";
import { softplus } from "../../engine/ops/activations.js";
import { multiply } from "../../engine/ops/arithmetic.js";
import { constant } from "../../engine/ops/constant.js";
import { sum } from "../../engine/ops/reduce.js";
import { float32 } from "../../engine/tensor/tensor.js";

/**
 * Jensen-Shannon bound (Deep InfoMax, Hjelm et al. 2019), negated: smaller means more mutual information.
 *
 *   J = mean over i of softplus(-T_ii) + mean over i ≠ j of softplus(T_ij)
 *
 * scores T [B, B · N]: row i is a critic's scores of u_i with N vectors of each v_j, j by j; the means run over these too.
 * The second term is left out for B = 1. -> float32 []
 */
export function mutualInformationLoss(scores: Value): Value {
  const [batch, count] = [scores.dim(0), scores.dim(1)];
  const perExample = count / batch;
  const signs = new Float32Array(batch * count);
  const weights = new Float32Array(batch * count);
  for (let i = 0; i < batch; i += 1) {
    for (let place = 0; place < count; place += 1) {
      const isOwn = Math.floor(place / perExample) === i;
      signs[i * count + place] = isOwn ? -1 : 1;
      weights[i * count + place] = 1 / (isOwn ? count : (batch - 1) * count);
    }
  }
  const each = softplus(multiply(scores, constant(float32([batch, count], signs))));
  return sum(multiply(each, constant(float32([batch, count], weights))));
}
