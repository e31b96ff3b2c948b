/** What training minimises, for every model (section 2.4). */
import { Input, type Value } from "../engine/graph/value.js";
import { multiply } from "../engine/ops/arithmetic.js";
import { batchClassificationLoss } from "../nn/losses/batch-classification.js";
import { consistencyLoss, similarityDivergences } from "../nn/losses/consistency.js";
import { pathDistillationLoss } from "../nn/losses/path-distillation.js";
import type { RouterKind, RouterLogits } from "../nn/losses/routes.js";
import { scaledSimilarity } from "../nn/losses/similarity.js";
import { totalLoss, type WeightedLoss } from "../nn/losses/total.js";
import type { Composition, CompositionModel } from "./composition-model.js";

/** A composed batch and what it is compared with. */
export interface ObjectiveInputs {
  readonly composition: Composition;
  /** t [B, D], not normalised. */
  readonly target: Value;
  /** Router logits of the teacher by layer; without them there is no distillation. */
  readonly teacher?: readonly RouterLogits[];
  /** Multiplies lambda1: a value [] that is 0 while there is no teacher yet and 1 afterwards. */
  readonly distillationFactor?: Value;
}

/** Each []. Parts that the model or the inputs do not have are missing. */
export interface Objective {
  readonly loss: Value;
  readonly bbc: Value;
  readonly spd?: Value;
  readonly c?: Value;
}

/** L = L_bbc + lambda1 · L_spd + lambda2 · L_c (eq. 7), with the terms and weights that the model states. */
export function objective(
  model: CompositionModel,
  { composition, target, teacher, distillationFactor }: ObjectiveInputs,
): Objective {
  const { distillation, consistency } = model.auxiliaryLosses;
  const similarity = scaledSimilarity(composition.q, target, model.scale);
  const bbc = batchClassificationLoss(similarity);
  const others: WeightedLoss[] = [];
  let spd: Value | undefined;
  let c: Value | undefined;
  const logits = composition.logits?.filter((layer) => Object.keys(layer).length > 0) ?? [];
  if (distillation && teacher && logits.length > 0) {
    const { weight, ...options } = distillation;
    spd = pathDistillationLoss(logits, teacher, options);
    others.push({ loss: spd, weight: distillationFactor ? multiply(distillationFactor, weight) : weight });
  }
  if (consistency && composition.u) {
    const { weight, form } = consistency;
    const ofU = scaledSimilarity(composition.u, target, model.scale);
    c = consistencyLoss(similarityDivergences(similarity, ofU), form);
    others.push({ loss: c, weight });
  }
  return { loss: totalLoss(bbc, others), bbc, ...(spd ? { spd } : {}), ...(c ? { c } : {}) };
}

/** Name of one router's logits among a graph's inputs or outputs. */
function nameOf(layer: number, kind: string): string {
  return `teacher.${layer}.${kind}`;
}

/** The teacher's logits as outputs of its inference graph: `teacher.LAYER.KIND` -> [B, M, J]. */
export function teacherOutputs(logits: readonly RouterLogits[]): Record<string, Value> {
  return Object.fromEntries(
    logits.flatMap((kinds, layer) =>
      Object.entries(kinds).map(([kind, value]) => [nameOf(layer, kind), value]),
    ),
  );
}

/** Inputs of a training graph that take what `teacherOutputs` gives, one for each of the student's logits. */
export function teacherInputs(student: readonly RouterLogits[]): RouterLogits[] {
  return student.map((kinds, layer) => {
    const inputs: Partial<Record<RouterKind, Value>> = {};
    for (const kind of Object.keys(kinds) as RouterKind[]) {
      const logits = kinds[kind];
      if (logits) inputs[kind] = new Input(nameOf(layer, kind), logits.dtype, logits.shape);
    }
    return inputs;
  });
}
