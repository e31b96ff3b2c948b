/** What training minimises, for every model (section 2.4): a list of named, weighted parts. */

import { Input, type Value } from "../engine/graph/value.js";
import { ConfigError } from "../errors.js";
import type { ForwardPass } from "../nn/forward-pass.js";
import type { RouterKind, RouterLogits } from "../nn/losses/routes.js";
import type { LossPart } from "../nn/losses/total.js";
import type { BatchFeatures, CompositionModel } from "./composition-model.js";
import { checkedParts } from "./model-answers.js";

/** What the parts' names must look like; `total` is their weighted sum. */
const partName = /^(?!total$)[A-Za-z][\w-]*$/;

/**
 * The model's losses on a batch, checked.
 * @throws ConfigError when there is none, or when two have one name, or a name that metrics cannot have.
 */
export function objective(
  model: CompositionModel,
  batch: BatchFeatures,
  pass: ForwardPass,
): readonly LossPart[] {
  const parts = checkedParts(model, model.losses(batch, pass));
  const names = parts.map(({ name }) => name);
  const wrong = names.filter((name, i) => !partName.test(name) || names.indexOf(name) !== i);
  if (parts.length > 0 && wrong.length === 0) return parts;
  throw new ConfigError(
    `${model.constructor.name}: losses must be one or more parts, each with a name of its own in letters, digits, "_" and "-", ` +
      `and none called total; got ${names.length === 0 ? "none" : names.map((name) => JSON.stringify(name)).join(", ")}`,
  );
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
