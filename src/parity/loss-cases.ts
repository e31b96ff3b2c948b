/** Golden files of the losses. */
import { gradients } from "../engine/autodiff/gradients.js";
import type { Value } from "../engine/graph/value.js";
import { WeightsError } from "../errors.js";
import { batchClassificationLoss } from "../nn/losses/batch-classification.js";
import { consistencyLoss, similarityDivergences } from "../nn/losses/consistency.js";
import { pathDistillationLoss } from "../nn/losses/path-distillation.js";
import type { RouterKind, RouterLogits } from "../nn/losses/routes.js";
import { scaledSimilarity } from "../nn/losses/similarity.js";
import { type LossPart, totalLoss } from "../nn/losses/total.js";
import type { GoldenComparison } from "./golden-comparison.js";
import { compareAll, GraphInputs } from "./module-case.js";

/**
 * Every loss that the file has an output of: bbc and c from q, t, u, scale; spd from student. and
 * teacher.LAYER.KIND. `output/loss` is their weighted sum (eq. 7), or the only one. Gradients of all inputs but the
 * teacher's.
 */
export async function lossCase(comparison: GoldenComparison): Promise<void> {
  const inputs = new GraphInputs(comparison, { hasSymbolicBatch: false });
  const terms = { ...classification(inputs), ...distillation(comparison, inputs), ...consistency(inputs) };
  const present = Object.entries(terms).filter(([name]) => comparison.has(`output/${name}`));
  const loss = weightedSum(comparison, new Map(present));
  const isTeacher = (name: string) => name.startsWith("teacher.");
  const targets = [...inputs.differentiable()].filter(([name]) => !isTeacher(name));
  const values = gradients(
    loss,
    targets.map(([, input]) => input),
  );
  const outputs: Record<string, Value> = { "output/loss": loss };
  for (const [name, value] of present) outputs[`output/${name}`] = value;
  for (const [i, [name]] of targets.entries()) outputs[`grad/${name}`] = values[i] ?? loss;
  compareAll(comparison, await inputs.run(outputs, "fed"));
}

function classification(inputs: GraphInputs): Record<string, Value> {
  if (!inputs.has("q")) return {};
  const similarity = scaledSimilarity(inputs.value("q"), inputs.value("t"), inputs.value("scale"));
  return { bbc: batchClassificationLoss(similarity) };
}

function consistency(inputs: GraphInputs): Record<string, Value> {
  if (!inputs.has("u")) return {};
  const [t, scale] = [inputs.value("t"), inputs.value("scale")];
  const divergences = similarityDivergences(
    scaledSimilarity(inputs.value("q"), t, scale),
    scaledSimilarity(inputs.value("u"), t, scale),
  );
  return {
    c: consistencyLoss(divergences),
    "aux.c_kl_q_u": divergences.qToU,
    "aux.c_kl_u_q": divergences.uToQ,
  };
}

function distillation(comparison: GoldenComparison, inputs: GraphInputs): Record<string, Value> {
  const student = logitsByLayer(comparison, inputs, "student");
  if (student.length === 0) return {};
  const teacher = logitsByLayer(comparison, inputs, "teacher");
  const options = { tau: comparison.number("tau"), merge: mergeOf(comparison) };
  return {
    spd: pathDistillationLoss(student, teacher, options),
    "aux.spd_if_mean_of_layer_means": pathDistillationLoss(student, teacher, {
      ...options,
      meanOver: "layers",
    }),
  };
}

/** `WHO.LAYER.KIND` -> logits by layer. */
function logitsByLayer(comparison: GoldenComparison, inputs: GraphInputs, who: string): RouterLogits[] {
  const layers: Partial<Record<RouterKind, Value>>[] = [];
  for (const name of comparison.namesAfter(`input/${who}.`)) {
    const [layer = "", kind = ""] = name.split(".");
    const logits = layers[Number(layer)] ?? {};
    logits[kind as RouterKind] = inputs.value(`${who}.${name}`);
    layers[Number(layer)] = logits;
  }
  return layers;
}

function mergeOf(comparison: GoldenComparison): "mean" | "product" {
  const merge = comparison.text("merge");
  if (merge === "mean" || merge === "product") return merge;
  throw new WeightsError(`"merge" must be mean or product; got ${merge}`);
}

/** L_bbc + lambda1 · L_spd + lambda2 · L_c where the first is there, else the only loss of the file. */
function weightedSum(comparison: GoldenComparison, terms: ReadonlyMap<string, Value>): Value {
  const fields = { bbc: undefined, spd: "lambda1", c: "lambda2" } as const;
  const parts: LossPart[] = [];
  for (const [name, field] of Object.entries(fields)) {
    const value = terms.get(name);
    if (!value) continue;
    const weight = field === undefined || parts.length === 0 ? 1 : comparison.number(field);
    parts.push({ name, weight, value });
  }
  if (parts.length === 0)
    throw new WeightsError("a file of losses needs output/bbc, output/spd or output/c; got none");
  return totalLoss(parts);
}
