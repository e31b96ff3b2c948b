/** The sum of the losses (eq. 7). */
import type { Value } from "../../engine/graph/value.js";
import { add, multiply, type Operand } from "../../engine/ops/arithmetic.js";

/** A loss [] and its weight: a number, or a value [] that is fed. */
export interface WeightedLoss {
  readonly loss: Value;
  readonly weight: Operand;
}

/** L = L_bbc + lambda1 · L_spd + lambda2 · L_c: a main loss and any weighted others -> []. */
export function totalLoss(main: Value, others: readonly WeightedLoss[]): Value {
  return others.reduce((total, { loss, weight }) => add(total, multiply(loss, weight)), main);
}
