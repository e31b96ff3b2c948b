/** What DCNet minimises. */
import type { Value } from "../../../engine/graph/value.js";
import { subtract } from "../../../engine/ops/arithmetic.js";
import { cast, constant } from "../../../engine/ops/constant.js";
import { tensor } from "../../../engine/tensor/tensor.js";
import { batchClassificationLoss } from "../../../nn/losses/batch-classification.js";
import type { LossPart } from "../../../nn/losses/total.js";

/** Scores of the batch's queries with its targets: each [B, B]. */
export interface DcnetScores {
  readonly composition: Value;
  readonly correction: Value;
  readonly joint: Value;
}

export interface DcnetLossOptions {
  /** Taken from the score of each query's own target. */
  readonly margin: number;
  /** λ, weight of the joint part. */
  readonly jointWeight: number;
}

/** L = CE_m(S_r) + CE_m(S_c) + λ · CE_m(S_j), CE_m being batch classification after the margin. */
export function dcnetLosses(
  { composition, correction, joint }: DcnetScores,
  { margin, jointWeight }: DcnetLossOptions,
): readonly LossPart[] {
  const value = (scores: Value) => batchClassificationLoss(withMargin(scores, margin));
  return [
    { name: "composition", weight: 1, value: value(composition) },
    { name: "correction", weight: 1, value: value(correction) },
    { name: "joint", weight: jointWeight, value: value(joint) },
  ];
}

/** scores [B, B] less the margin on the diagonal: float64 [B, B]. */
function withMargin(scores: Value, margin: number): Value {
  const count = scores.dim(0);
  const diagonal = new Float64Array(count * count);
  for (let i = 0; i < count; i += 1) diagonal[i * (count + 1)] = margin;
  return subtract(cast(scores, "float64"), constant(tensor("float64", [count, count], diagonal)));
}
