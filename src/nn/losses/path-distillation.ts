/** Self path distillation loss (eq. 4). */
import type { Value } from "../../engine/graph/value.js";
import { add, maximum, multiply, subtract } from "../../engine/ops/arithmetic.js";
import { cast, stopGradient } from "../../engine/ops/constant.js";
import { log } from "../../engine/ops/elementwise.js";
import { sum } from "../../engine/ops/reduce.js";
import { type MergeOptions, mergeRoutes, type RouterLogits } from "./routes.js";
import type { LossPart } from "./total.js";

export interface PathDistillationOptions extends MergeOptions {
  readonly tau: number;
  /** "pairs": one mean over all (layer, destination) pairs; "layers": the mean over layers of each layer's mean. */
  readonly meanOver?: "pairs" | "layers";
}

/** Where a probability has vanished, its logarithm is taken of this instead. */
const smallest = 1e-300;

/**
 * L_spd = tau² · mean over batch, layers and destinations of KL(pT || pS),
 *
 * pS, pT the merged route weights of student and teacher at temperature tau:
 * KL(pT || pS) = sum over the sources i of pT_i · (log pT_i - log pS_i). The teacher gets no gradient.
 * Computed in float64: student and teacher are close, and what is left of the logarithms' difference is small.
 * Where the softmax runs over destinations, KL does too, and the mean is over sources.
 *
 * @param student logits by layer, as @param teacher; each [B, M, J].
 * @returns float32 []
 */
export function pathDistillationLoss(
  student: readonly RouterLogits[],
  teacher: readonly RouterLogits[],
  { meanOver = "pairs", ...merge }: PathDistillationOptions,
): Value {
  const axis = merge.over === "destinations" ? 2 : 1;
  const divergences = student.map((logits, layer) => {
    const pS = mergeRoutes(inFloat64(logits), merge);
    const pT = stopGradient(mergeRoutes(inFloat64(teacher[layer] ?? {}), merge));
    return sum(multiply(pT, subtract(safeLog(pT), safeLog(pS))), { axes: [axis] }); // [B, pairs]
  });
  const pairCount = divergences.reduce((count, kl) => count + kl.dim(1), 0);
  const weighted = divergences.map((kl) => {
    const weight = meanOver === "pairs" ? 1 / pairCount : 1 / (divergences.length * kl.dim(1));
    return multiply(sum(kl), (merge.tau ** 2 * weight) / kl.dim(0));
  });
  return cast(
    weighted.reduce((total, part) => add(total, part)),
    "float32",
  );
}

/** L_spd as a part of an objective; logits as `pathDistillationLoss` takes them. */
export function distillationPart(
  student: readonly RouterLogits[],
  teacher: readonly RouterLogits[],
  { weight, ...options }: PathDistillationOptions & { readonly weight: LossPart["weight"] },
): LossPart {
  return { name: "distillation", weight, value: pathDistillationLoss(student, teacher, options) };
}

function inFloat64(logits: RouterLogits): RouterLogits {
  return Object.fromEntries(Object.entries(logits).map(([kind, a]) => [kind, cast(a, "float64")]));
}

function safeLog(p: Value): Value {
  return log(maximum(p, smallest));
}
