/** Named losses, and the sum of them that training minimises (eq. 7). */
import type { Value } from "../../engine/graph/value.js";
import { add, multiply, type Operand } from "../../engine/ops/arithmetic.js";

/** One part of what training minimises. */
export interface LossPart {
  /** What metrics, guards and reports call it. */
  readonly name: string;
  /** lambda: a number, or a value [] that is fed. */
  readonly weight: Operand;
  /** float32 [], before its weight. */
  readonly value: Value;
}

/** L = sum over the parts of lambda · L_part, the first part first -> float32 []. Needs a part. */
export function totalLoss(parts: readonly LossPart[]): Value {
  const weighted = parts.map(({ weight, value }) => (weight === 1 ? value : multiply(value, weight)));
  return weighted.reduce((total, part) => add(total, part));
}
