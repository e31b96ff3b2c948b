/** What files have whose `output/training/loss` is a model's whole loss: x and target, words and sentence. */
import type { Value } from "../../engine/graph/value.js";
import type { BatchFeatures, CompositionModel } from "../../models/composition-model.js";
import { objective } from "../../models/objective.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { totalLoss } from "../../nn/losses/total.js";
import type { GoldenComparison } from "../golden-comparison.js";
import { imageOf } from "../method-case.js";
import type { GraphInputs } from "../module-case.js";

/** The batch as the model's losses see it. */
export function batchOf(model: CompositionModel, inputs: GraphInputs, pass: ForwardPass): BatchFeatures {
  const [reference, target] = [imageOf(inputs.value("x")), imageOf(inputs.value("target"))];
  const text = inputs.text();
  return {
    composition: model.compose(reference, text, pass),
    reference,
    text,
    target,
    targetEmbedding: model.embedTarget(target, pass),
  };
}

/** The whole loss. */
export function lossOf(model: CompositionModel, inputs: GraphInputs, pass: ForwardPass): Value {
  return totalLoss(objective(model, batchOf(model, inputs, pass), pass));
}

/** Width, heads and feed-forward width of a model of attention blocks; `block` is the name of one. */
export function blockFieldsOf(comparison: GoldenComparison, block: string): Readonly<Record<string, number>> {
  return {
    embedDim: comparison.dim("input/x", 2),
    heads: comparison.number("heads"),
    ffnWidth: comparison.dim(`param/${block}.ffn1.bias`, 0),
    dropout: 0,
  };
}
