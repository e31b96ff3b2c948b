/** Runs a whole method on a file's features: the model that users train, with the file's parameters in it. */
import { gradients } from "../engine/autodiff/gradients.js";
import type { Value } from "../engine/graph/value.js";
import { expandDims } from "../engine/ops/shape.js";
import { StatefulSession } from "../engine/runtime/stateful-session.js";
import type { Tensor } from "../engine/tensor/tensor.js";
import { WeightsError } from "../errors.js";
import type { CompositionModel } from "../models/composition-model.js";
import { featuresOf, type ImageFeatures, type LevelFeatures } from "../models/image-encoder.js";
import type { ModelDefinition } from "../models/model-definition.js";
import { modelDefinition } from "../models/registry.js";
import { ForwardPass } from "../nn/forward-pass.js";
import type { Module } from "../nn/module.js";
import type { GoldenComparison } from "./golden-comparison.js";
import { anyRandom } from "./layer-cases.js";
import { compareAll, cotangentLoss, GraphInputs, paddingOfLengths, summandNorm } from "./module-case.js";
import { leastShareOfGradients } from "./tolerances.js";

/** What a file's outputs are in a part of a model of ours. */
export interface PartCase<Model extends Module> {
  /** The part with any values, of the widths that the file's shapes and metadata tell; dropout is 0. */
  build(comparison: GoldenComparison): Model;
  /** Outputs by the names that follow `output/` and the mode; `pass` is the mode's. */
  outputs(
    model: Model,
    inputs: GraphInputs,
    pass: ForwardPass,
    comparison: GoldenComparison,
  ): Record<string, Value>;
  /** The whole loss of `output/training/loss`, always in training mode; where the file has one. */
  trainingLoss?(model: Model, inputs: GraphInputs, pass: ForwardPass): Value;
  /** Parameters of the file by our names, where the file spells them otherwise. */
  parameterName?(name: string): string;
}

/** What a file's outputs are in a whole model of ours. */
export interface MethodCase<Model extends CompositionModel> extends Omit<PartCase<Model>, "build"> {
  /** Name of the model in the registry, or a definition that is only compared and that nobody can train. */
  readonly model: string | ModelDefinition;
  /** Fields of its configuration, as the file's shapes and metadata tell them; dropout is 0. */
  fields(comparison: GoldenComparison): Readonly<Record<string, unknown>>;
  /** Side of the pictures, px, that the file's maps would be of, where the model asks; 64 by default. */
  imagePx?(comparison: GoldenComparison): number;
}

/** Parameters that a file about a composition does not have: those of the encoders, and the scale. */
const encoderParameter = /^(image|text)\.(backbone|proj|norm|levels|embedding|lstm)|^scale$/;

/**
 * The case of a method: builds the model, puts the file's parameters into it, and compares outputs and gradients
 *
 * - under `output/MODE/`, `grad/MODE/` in the modes eval and train, and after train the running statistics, where the file
 *   has modes; else once, under `output/`, `grad/`;
 * - `output/training/loss`, `grad/training/` where it has them;
 * - outputs again as the inference graph with a symbolic batch.
 */
export function methodCase<Model extends CompositionModel>(
  method: MethodCase<Model>,
): (comparison: GoldenComparison) => Promise<void> {
  const definition = typeof method.model === "string" ? modelDefinition(method.model) : method.model;
  const build = (comparison: GoldenComparison): Model =>
    definition.create(
      { backbone: "resnet18", backboneWidth: 1 / 64, wordDim: 1, ...method.fields(comparison) },
      { vocabularySize: 3, random: anyRandom(), imagePx: method.imagePx?.(comparison) ?? 64 },
    ) as Model;
  return partCase({ ...method, build });
}

/** The same of the part that has a method's parameters, where the file has widths that no configuration gives a whole model. */
export function partCase<Model extends Module>(
  method: PartCase<Model>,
): (comparison: GoldenComparison) => Promise<void> {
  return async (comparison) => {
    const state = comparison.parameters();
    const build = (): Model => loaded(method, comparison, state);
    const hasModes = comparison.namesAfter("output/eval/").length > 0;
    const prefixes = hasModes ? (["eval/", "train/"] as const) : ([""] as const);
    for (const prefix of prefixes) {
      const pass = prefix === "eval/" ? ForwardPass.inference() : ForwardPass.training();
      const model = build();
      await compareGraph(comparison, { model, method, pass, prefix }, (inputs) => {
        const outputs = method.outputs(model, inputs, pass, comparison);
        return { outputs, loss: cotangentLoss(comparison, underOutput(outputs), inputs) };
      });
      if (prefix === "train/") compareStatistics(comparison, model, method);
    }
    if (comparison.has("output/training/loss")) await compareTraining(comparison, method, build());
    await compareInference(comparison, method, build(), hasModes ? "eval/" : "");
  };
}

function loaded<Model extends Module>(
  method: PartCase<Model>,
  comparison: GoldenComparison,
  state: ReadonlyMap<string, Tensor<"float32">>,
): Model {
  const model = method.build(comparison);
  const own = new Map<string, Tensor<"float32">>();
  for (const [name, { shape, data }] of model.state()) {
    if (encoderParameter.test(name)) own.set(name, { dtype: "float32", shape, data });
  }
  for (const [name, tensor] of state) own.set(method.parameterName?.(name) ?? name, tensor);
  if (comparison.has("input/scale")) own.set("scale", comparison.use("input/scale") as Tensor<"float32">);
  if (state.size === 0) throw new WeightsError("there is no param/NAME: nothing to put into the model");
  model.loadStateDict(own);
  return model;
}

interface ComparedGraph<Model extends Module> {
  readonly model: Model;
  readonly method: PartCase<Model>;
  readonly pass: ForwardPass;
  /** What follows `output/` and `grad/`: "train/" */
  readonly prefix: string;
}

/** Compares outputs, the loss, and its gradients of the file's inputs and parameters. */
async function compareGraph<Model extends Module>(
  comparison: GoldenComparison,
  { model, method, pass, prefix }: ComparedGraph<Model>,
  graph: (inputs: GraphInputs) => { readonly outputs: Record<string, Value>; readonly loss: Value },
): Promise<void> {
  const inputs = new GraphInputs(comparison, { hasSymbolicBatch: false });
  const { outputs, loss } = graph(inputs);
  const parameters = new Map<string, Value>(model.namedParameters());
  const names = comparison
    .namesAfter(`grad/${prefix}`)
    .filter((name) => prefix !== "" || !name.includes("/"));
  const targets = names.map((name) => {
    if (inputs.has(name) && name !== "scale") return inputs.value(name);
    const parameter = parameters.get(method.parameterName?.(name) ?? name);
    if (!parameter) throw new WeightsError(`grad/${prefix}${name}: the model has no such input or parameter`);
    return parameter;
  });
  const values = gradients(loss, targets);
  const named = Object.fromEntries(names.map((name, i) => [`grad/${prefix}${name}`, values[i] ?? loss]));
  const session = await StatefulSession.compile(
    { ...underOutput(outputs, prefix), ...paddingOfLengths(inputs), ...named, loss },
    pass.bufferUpdates,
  );
  try {
    // An input that the loss does not depend on has a gradient, zero, and no place in the graph.
    const feeds = Object.entries(inputs.tensors()).filter(([name]) => session.hasInput(name));
    const { loss: lossValue, ...found } = (await session.run(Object.fromEntries(feeds))).outputs;
    compareAll(comparison, found, { leastShare: leastShareOfGradients });
    if (lossValue) {
      const isSum = prefix !== "training/";
      const size = isSum ? { summandNorm: summandNorm(comparison, `output/${prefix}`) } : {};
      comparison.compare(`output/${prefix}loss`, lossValue, { family: "outputs", ...size });
    }
  } finally {
    await session.release();
  }
}

async function compareTraining<Model extends Module>(
  comparison: GoldenComparison,
  method: PartCase<Model>,
  model: Model,
): Promise<void> {
  const pass = ForwardPass.training();
  const { trainingLoss } = method;
  if (!trainingLoss) return;
  await compareGraph(comparison, { model, method, pass, prefix: "training/" }, (inputs) => ({
    outputs: {},
    loss: trainingLoss(model, inputs, pass),
  }));
}

function compareStatistics<Model extends Module>(
  comparison: GoldenComparison,
  model: Model,
  { parameterName = (name) => name }: PartCase<Model>,
): void {
  const state = model.state();
  for (const name of comparison
    .namesAfter("output/train/")
    .filter((key) => /running_(mean|var)$/.test(key))) {
    const buffer = new Map(state).get(parameterName(name));
    if (!buffer) throw new WeightsError(`output/train/${name}: the model has no such buffer`);
    const { shape, data } = buffer;
    comparison.compare(`output/train/${name}`, { dtype: "float32", shape, data }, { family: "outputs" });
  }
}

async function compareInference<Model extends Module>(
  comparison: GoldenComparison,
  method: PartCase<Model>,
  model: Model,
  prefix: string,
): Promise<void> {
  const inputs = new GraphInputs(comparison, { hasSymbolicBatch: true });
  const outputs = method.outputs(model, inputs, ForwardPass.inference(), comparison);
  const perQuery = Object.entries(outputs).filter(([, value]) => value.rank > 0);
  compareAll(comparison, await inputs.run(underOutput(Object.fromEntries(perQuery), prefix), "baked"));
}

function underOutput(outputs: Readonly<Record<string, Value>>, prefix = ""): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, value]) => [`output/${prefix}${name}`, value]),
  );
}

/**
 * An input as an image's features: regions [B, N, D] whose embedding is their mean, or an embedding [B, D] as one region.
 * @param grid how the regions lie; a square where nothing is said.
 */
export function imageOf(
  regions: Value,
  {
    levels,
    grid,
  }: {
    readonly levels?: readonly LevelFeatures[];
    readonly grid?: { readonly rows: number; readonly columns: number };
  } = {},
): ImageFeatures {
  if (regions.rank === 2) {
    return { regions: expandDims(regions, 1), embedding: regions, rows: 1, columns: 1, levels: levels ?? [] };
  }
  const side = Math.round(Math.sqrt(regions.dim(1)));
  return featuresOf(regions, { rows: side, columns: side, ...grid, levels: levels ?? [] });
}
