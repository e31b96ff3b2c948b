/** Batch-based classification loss (section 2.4). */
import type { Value } from "../../engine/graph/value.js";
import { multiply } from "../../engine/ops/arithmetic.js";
import { cast, constant } from "../../engine/ops/constant.js";
import { sum } from "../../engine/ops/reduce.js";
import { logSoftmax } from "../../engine/ops/softmax.js";
import { tensor } from "../../engine/tensor/tensor.js";
import type { LossPart } from "./total.js";

/**
 * L_bbc = -1/B · sum over i of log softmax_j(scale · q_i·t_j)[j = i]: each query's own target is the class.
 * similarity float64 [B, B], row i = scale · q_i·t_j -> float32 [].
 * @example
 * import { batchClassificationLoss, constant, runOnce, tensor } from "sdfn/models";
 * const similarity = constant(tensor("float64", [2, 2], Float64Array.of(0, 0, 0, 0)));
 * const { loss } = await runOnce({ loss: batchClassificationLoss(similarity) });
 * console.log(loss.data[0].toFixed(4)); // 0.6931
 */
export function batchClassificationLoss(similarity: Value): Value {
  const count = similarity.dim(0);
  const logProbabilities = logSoftmax(similarity, { axis: 1 });
  const diagonal = new Float64Array(count * count);
  for (let i = 0; i < count; i += 1) diagonal[i * (count + 1)] = -1 / count;
  const weights = constant(tensor("float64", [count, count], diagonal));
  return cast(sum(multiply(logProbabilities, weights)), "float32");
}

/**
 * L_bbc as a part of an objective: the main one, of weight 1.
 * @example
 * import { classificationPart, constant, tensor } from "sdfn/models";
 * const similarity = constant(tensor("float64", [2, 2], Float64Array.of(0, 0, 0, 0)));
 * const { name, weight, value } = classificationPart(similarity);
 * console.log(name, weight, value.shape); // classification 1 []
 */
export function classificationPart(similarity: Value): LossPart {
  return { name: "classification", weight: 1, value: batchClassificationLoss(similarity) };
}
