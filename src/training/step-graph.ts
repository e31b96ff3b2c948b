/** The parts that a training step is made of: forward pass, losses, clipping and Adam, as graph. */

import type { ParameterUpdate } from "../engine/graph/parameter-update.js";
import { topologicalOrder } from "../engine/graph/traversal.js";
import { Input, type Parameter, type Value } from "../engine/graph/value.js";
import type { Feeds, SessionOptions } from "../engine/runtime/session.js";
import type { StatefulSessionOptions } from "../engine/runtime/stateful-session.js";
import { scalarOf, type Tensor } from "../engine/tensor/tensor.js";
import type { FeatureMapShapes } from "../images/feature-maps.js";
import type { BatchFeatures, CompositionModel } from "../models/composition-model.js";
import { checkedComposition } from "../models/model-answers.js";
import { objective, teacherInputs } from "../models/objective.js";
import { pictureInputs } from "../models/picture-inputs.js";
import { type DropoutMask, ForwardPass } from "../nn/forward-pass.js";
import { totalLoss } from "../nn/losses/total.js";
import { Adam, type ParameterGroup } from "../nn/optim/adam.js";
import { clipByGlobalNorm, globalNorm } from "../nn/optim/clip.js";
import type { LossValues } from "../runs/metrics.js";
import type { TrainingConfig } from "../runs/training-fields.js";

export interface StepConfig {
  readonly training: Pick<
    TrainingConfig,
    "batchSize" | "imagePx" | "maxWords" | "weightDecay" | "gradientClip" | "backboneRate" | "wordRate"
  > &
    Partial<Pick<TrainingConfig, "microBatchSize">>;
  /** A frozen backbone's feature maps, when those are fed instead of pictures. */
  readonly featureMapShapes?: FeatureMapShapes | undefined;
  readonly featureMapType?: "float16" | "float32" | undefined;
}

/** How a step runs; `beforeCompile` is told once what all of its graphs need together. */
export type StepOptions = SessionOptions & Pick<StatefulSessionOptions<string>, "beforeCompile">;

/** What one step reports. */
export interface StepResult {
  readonly loss: LossValues;
  /** L2 norm of all gradients before clipping; NaN where they were not computed because the loss was not finite. */
  readonly gradientNorm: number;
  /** False when loss or gradients were not finite: then no parameter has changed. */
  readonly isAccepted: boolean;
}

/** A step that is ready to run, in one graph or in several: the same feeds, of a whole batch, give the same outputs. */
export interface CompiledStep {
  readonly adam: Adam;
  /** Masks to feed, of a whole batch. */
  readonly masks: readonly DropoutMask[];
  /** Teacher's logits to feed, of a whole batch. */
  readonly teacherInputs: readonly Input[];
  /** What a user should know about how it computes. */
  readonly notes: readonly string[];
  /** Does a run need the input `name`? */
  hasInput(name: string): boolean;
  /** When loss or gradients are not finite, nothing is changed and `isAccepted` is false. */
  run(feeds: Feeds): Promise<StepResult>;
  /** After a run that was not accepted: parameters and moments whose next values, or gradients, are not finite. */
  readonly notFinite: readonly Parameter[];
  release(): Promise<void>;
}

/** Input that multiplies distillation: 0 as long as there is no teacher, else 1. */
export const distillationFactorInput = "distillationFactor";

/** `count` triplets through the model, from the inputs `images` (references, then targets), `tokens` and `lengths`. */
export function forwardGraph(
  model: CompositionModel,
  count: number,
  { training: { imagePx, maxWords }, ...maps }: StepConfig,
): { readonly features: BatchFeatures; readonly pass: ForwardPass } {
  const pass = ForwardPass.training();
  const tokens = new Input("tokens", "int64", [count, maxWords]);
  const lengths = new Input("lengths", "int64", [count]);
  const pictures = pictureInputs(2 * count, { imagePx, ...maps });
  const { reference, target } = maps.featureMapShapes
    ? model.encodePairsOfFeatureMaps(pictures, pass)
    : model.encodePairs(pictures.images, pass);
  const text = model.encodeText(tokens, lengths);
  const composition = checkedComposition(model, model.compose(reference, text, pass));
  const targetEmbedding = model.embedTarget(target, pass);
  return { features: { composition, reference, text, target, targetEmbedding }, pass };
}

/** The losses of a batch as graph. */
export interface LossGraph {
  /** What is minimised: []. */
  readonly total: Value;
  /** `total` and its parts, each []; `lossValues` gives them their names back. */
  readonly outputs: Readonly<Record<string, Value>>;
  /** Inputs that take the teacher's logits. */
  readonly teacherInputs: readonly Input[];
}

/** Before the names of losses among the outputs of a graph. */
const lossPrefix = "loss.";

/** Builds the losses that the model states for a whole batch. */
export function lossGraph(model: CompositionModel, features: BatchFeatures, pass: ForwardPass): LossGraph {
  const teacher = model.isSelfDistilled ? teacherInputs(features.composition.logits ?? []) : undefined;
  const factor = new Input(distillationFactorInput, "float32", []);
  const parts = objective(model, { ...features, teacher: teacher && { logits: teacher, factor } }, pass);
  const total = totalLoss(parts);
  const named = parts.map(({ name, value }) => [lossPrefix + name, value] as const);
  return {
    total,
    outputs: { [`${lossPrefix}total`]: total, ...Object.fromEntries(named) },
    teacherInputs: (teacher ?? []).flatMap((layer) => Object.values(layer) as Input[]),
  };
}

/** The losses among a graph's outputs, as numbers. */
export function lossValues(outputs: Readonly<Record<string, Tensor>>): LossValues {
  const named = Object.entries(outputs).filter(([name]) => name.startsWith(lossPrefix));
  const values = named.map(([name, value]) => [name.slice(lossPrefix.length), scalarOf(value)] as const);
  return Object.fromEntries(values) as LossValues;
}

/** Adam on backbone, word vectors and the rest: what `outputs` depend on, is trainable, and has a rate above 0. */
export function adamOf(
  model: CompositionModel,
  outputs: readonly Value[],
  { backboneRate, wordRate, weightDecay }: StepConfig["training"],
): Adam {
  const isUsed = new Set(topologicalOrder(outputs));
  const rates: Record<string, number> = { backbone: backboneRate, words: wordRate, rest: 1 };
  const named = [...model.namedParameters()].filter(([, parameter]) => isUsed.has(parameter));
  const groups: ParameterGroup[] = Object.entries(rates)
    .filter(([, rate]) => rate > 0)
    .map(([group]) => ({
      name: group,
      parameters: new Map(named.filter(([, { rateGroup = "rest" }]) => rateGroup === group)),
    }))
    .filter(({ parameters }) => parameters.size > 0);
  return new Adam(groups, { weightDecay });
}

/**
 * Norm of the gradients before clipping, and what Adam makes of parameters and moments.
 *
 * ONNX Runtime computes what the norm sums from its last term to its first. With terms in the order in which `loss`
 * uses the parameters, each gradient is computed as soon as the backward pass comes by, and what it is computed from
 * is freed; in another order activations and their gradients wait for it.
 *
 * @param gradients of `adam.parameters`, in their order.
 */
export function updateGraph(
  adam: Adam,
  gradients: readonly Value[],
  { gradientClip, loss }: { readonly gradientClip: number; readonly loss: Value },
): { readonly gradientNorm: Value; readonly updates: readonly ParameterUpdate[] } {
  const place = new Map(topologicalOrder([loss]).map((value, i) => [value, i]));
  const terms = adam.parameters
    .map((parameter, i) => ({ gradient: gradients[i] as Value, place: place.get(parameter) ?? 0 }))
    .sort((a, b) => a.place - b.place)
    .map(({ gradient }) => gradient);
  const clipped = gradientClip > 0 ? clipByGlobalNorm(terms, gradientClip) : undefined;
  const gradientNorm = clipped?.norm ?? globalNorm(terms);
  return { gradientNorm, updates: adam.updates(gradients, clipped?.factor) };
}
