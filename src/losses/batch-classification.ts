/** Batch-based classification loss (section 2.4). */
import type { Value } from "../graph/value.js";
import { multiply } from "../ops/arithmetic.js";
import { constant } from "../ops/constant.js";
import { sum } from "../ops/reduce.js";
import { logSoftmax } from "../ops/softmax.js";
import { float32 } from "../tensor/tensor.js";

/**
 * L_bbc = -1/B · sum over i of log softmax_j(scale · q_i·t_j)[j = i]: each query's own target is the class.
 * similarity [B, B], row i = scale · q_i·t_j -> [].
 */
export function batchClassificationLoss(similarity: Value): Value {
  const count = similarity.dim(0);
  const logProbabilities = logSoftmax(similarity, { axis: 1 });
  const diagonal = Array.from({ length: count * count }, (_, k) => (k % (count + 1) === 0 ? -1 / count : 0));
  return sum(multiply(logProbabilities, constant(float32([count, count], diagonal))));
}
