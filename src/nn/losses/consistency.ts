/** Consistency loss (eqs. 5, 6). */
import type { Value } from "../../engine/graph/value.js";
import { add, multiply, subtract } from "../../engine/ops/arithmetic.js";
import { cast } from "../../engine/ops/constant.js";
import { exp } from "../../engine/ops/elementwise.js";
import { sum } from "../../engine/ops/reduce.js";
import { logSoftmax } from "../../engine/ops/softmax.js";
import type { LossPart } from "./total.js";

/** Both divergences, each a mean over the batch: float32 []. */
export interface Divergences {
  /** KL(Pq || Pu) */
  readonly qToU: Value;
  /** KL(Pu || Pq) */
  readonly uToQ: Value;
}

/**
 * Pq = softmax_j(scale · q_i·t_j), Pu = softmax_j(scale · u_i·t_j);
 * KL(P || R) = mean over i of sum over j of P_ij · (log P_ij - log R_ij).
 * Both similarities float64 [B, B]. Gradients flow on both sides.
 */
export function similarityDivergences(ofQ: Value, ofU: Value): Divergences {
  const logPq = logSoftmax(ofQ, { axis: 1 });
  const logPu = logSoftmax(ofU, { axis: 1 });
  const divergence = (logP: Value, logR: Value) =>
    cast(multiply(sum(multiply(exp(logP), subtract(logP, logR))), 1 / ofQ.dim(0)), "float32");
  return { qToU: divergence(logPq, logPu), uToQ: divergence(logPu, logPq) };
}

/** Which divergences count: "symmetric" is the mean of both. */
export type ConsistencyForm = "symmetric" | "q-to-u" | "u-to-q";

/** L_c = [KL(Pq || Pu) + KL(Pu || Pq)] / 2, or one of the two: []. */
export function consistencyLoss({ qToU, uToQ }: Divergences, form: ConsistencyForm = "symmetric"): Value {
  switch (form) {
    case "symmetric":
      return multiply(add(qToU, uToQ), 0.5);
    case "q-to-u":
      return qToU;
    case "u-to-q":
      return uToQ;
  }
}

/** L_c as a part of an objective; both similarities float64 [B, B]. */
export function consistencyPart(
  ofQ: Value,
  ofU: Value,
  { form, weight }: { readonly form: ConsistencyForm; readonly weight: LossPart["weight"] },
): LossPart {
  return { name: "consistency", weight, value: consistencyLoss(similarityDivergences(ofQ, ofU), form) };
}
