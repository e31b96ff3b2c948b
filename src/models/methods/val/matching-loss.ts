/** Bidirectional matching loss of VAL: a triplet loss with the hardest of the negatives that count. */
import type { Value } from "../../../engine/graph/value.js";
import { add, multiply, subtract } from "../../../engine/ops/arithmetic.js";
import { lessOrEqual, where } from "../../../engine/ops/comparison.js";
import { cast, constant, full } from "../../../engine/ops/constant.js";
import { relu } from "../../../engine/ops/elementwise.js";
import { linear } from "../../../engine/ops/linear.js";
import { l2Normalise } from "../../../engine/ops/normalisation.js";
import { max, mean, sum } from "../../../engine/ops/reduce.js";
import { expandDims, transposeLast } from "../../../engine/ops/shape.js";
import { tensor } from "../../../engine/tensor/tensor.js";

/** Which negatives (i, j) count: by the authors' code d(i, j) >= d(j, j), by the paper's text d(i, j) >= d(i, i), or all. */
export const negativeRules = ["code", "paper", "all"] as const;

export interface MatchingOptions {
  readonly margin: number;
  readonly negatives: (typeof negativeRules)[number];
}

/**
 * Both directions of mean over i of max(0, d(i, i) - min over j of d(i, j) + margin), d(i, j) = |unit q_i - unit t_j|², j over
 * the negatives that count; a row without any adds 0. The other direction has q and t exchanged. q, t [B, D] -> float32 [].
 */
export function matchingLoss(q: Value, t: Value, options: MatchingOptions): Value {
  const unit = (x: Value) => l2Normalise(cast(x, "float64"), { axis: 1 });
  const cosines = linear(unit(q), unit(t)); // [B, B]
  return cast(add(oneWay(cosines, options), oneWay(transposeLast(cosines), options)), "float32");
}

/** Less than any cosine, by more than any margin is worth. */
const excluded = -1e30;

/** As d = 2 - 2 · cosine, the nearest negative is that of the largest cosine. */
function oneWay(cosines: Value, { margin, negatives }: MatchingOptions): Value {
  const count = cosines.dim(0);
  const identity = new Float64Array(count * count);
  for (let i = 0; i < count; i += 1) identity[i * (count + 1)] = 1;
  const onDiagonal = constant(tensor("float64", [count, count], identity));
  const own = sum(multiply(cosines, onDiagonal), { axes: [1] }); // [B]
  const others = add(cosines, multiply(onDiagonal, excluded));
  const bound = expandDims(own, negatives === "code" ? 0 : 1);
  const counted =
    negatives === "all" ? others : where(lessOrEqual(cosines, bound), others, full([1], excluded, "float64"));
  const nearest = max(counted, { axes: [1] }); // [B]
  return mean(relu(add(multiply(subtract(nearest, own), 2), margin)));
}
