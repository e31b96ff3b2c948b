/** A training step on a batch of which only a part is in memory at a time. */
import { gradients, pulledBack } from "../engine/autodiff/gradients.js";
import type { ParameterUpdate } from "../engine/graph/parameter-update.js";
import { type GraphMemory, graphMemory } from "../engine/graph/peak-memory.js";
import { topologicalOrder } from "../engine/graph/traversal.js";
import { Input, Parameter, Value } from "../engine/graph/value.js";
import { add } from "../engine/ops/arithmetic.js";
import type { SessionOptions } from "../engine/runtime/session.js";
import { StatefulSession } from "../engine/runtime/stateful-session.js";
import { isFloating } from "../engine/tensor/dtype.js";
import { elementCount } from "../engine/tensor/shape.js";
import { scalarOf } from "../engine/tensor/tensor.js";
import { GraphError } from "../errors.js";
import type { BatchFeatures, CompositionModel } from "../models/composition-model.js";
import type { DropoutMask } from "../nn/forward-pass.js";
import type { Adam } from "../nn/optim/adam.js";
import { microBatches } from "./batch-parts.js";
import { gradientName, runMicroBatches, type Sessions } from "./micro-batch-run.js";
import {
  adamOf,
  type CompiledStep,
  forwardGraph,
  lossGraph,
  type StepConfig,
  type StepOptions,
  updateGraph,
} from "./step-graph.js";

type MicroBatchConfig = StepConfig & { readonly microBatchSize: number };

/**
 * Gradient caching (Gao et al. 2021, arXiv 2101.06983). Four graphs, compiled once:
 *
 *   1. forward   micro-batch -> the features that the losses see, and running statistics    run for every micro-batch
 *   2. loss      those of the whole batch -> losses and d(loss)/d(each)          run once
 *   3. backward  micro-batch and its rows of d(loss)/d(each) -> sums of d(loss)/d(parameter)   for every micro-batch
 *   4. update    sums -> clipping, Adam                                          run once
 *
 * The first and third are built on the same forward graph and fed the same masks, so that the gradients are those of
 * the whole batch up to rounding, at the price of a second forward pass. Batch norm with batch statistics is the
 * exception: it sees micro-batches, in both passes the same.
 */
export async function compileMicroBatchStep(
  model: CompositionModel,
  config: MicroBatchConfig,
  { beforeCompile, ...options }: StepOptions,
): Promise<CompiledStep> {
  const { batchSize } = config.training;
  const ranges = microBatches(batchSize, config.microBatchSize);
  const { graphs, adam, ...built } = buildGraphs(model, config);
  beforeCompile?.(memoryOf(graphs));
  const sessions = await compileGraphs(graphs, options);
  const isSum = new Set(built.sums.values());
  const moved = [...graphs.forward.updates, ...graphs.loss.updates].map(({ parameter }) => parameter);
  const buffers = [...new Set(moved)].filter((parameter) => !isSum.has(parameter));
  let notFinite: readonly Parameter[] = [];
  return {
    adam,
    masks: built.masks,
    teacherInputs: built.teacherInputs,
    notes: built.notes,
    hasInput: (name) => Object.values(sessions).some((session) => session.hasInput(name)),
    async run(feeds) {
      const state = { sums: built.sums, buffers };
      const { notFinite: found, ...result } = await runMicroBatches(sessions, state, feeds, ranges);
      notFinite = found;
      return result;
    },
    get notFinite() {
      return notFinite;
    },
    async release() {
      for (const session of Object.values(sessions)) await session.release();
    },
  };
}

/** What the step's graphs need together, which are not compiled. */
export function microBatchMemory(model: CompositionModel, config: MicroBatchConfig): GraphMemory {
  return memoryOf(buildGraphs(model, config).graphs);
}

function memoryOf(graphs: MicroBatchGraphs["graphs"]): GraphMemory {
  return graphMemory(
    Object.values<GraphParts>(graphs).map(({ outputs, updates }) => ({
      outputs: Object.values(outputs),
      updates,
    })),
  );
}

interface GraphParts {
  readonly outputs: Readonly<Record<string, Value>>;
  readonly updates: readonly ParameterUpdate[];
}

interface MicroBatchGraphs {
  readonly graphs: Readonly<Record<keyof Sessions, GraphParts>>;
  readonly adam: Adam;
  /** Of the gradients, by parameter. */
  readonly sums: ReadonlyMap<Parameter, Parameter>;
  readonly masks: readonly DropoutMask[];
  readonly teacherInputs: readonly Input[];
  readonly notes: readonly string[];
}

function buildGraphs(model: CompositionModel, config: MicroBatchConfig): MicroBatchGraphs {
  const { training, microBatchSize } = config;
  const { batchSize, gradientClip } = training;
  const { features, pass } = forwardGraph(model, microBatchSize, config);
  const forwardMasks = [...pass.dropoutMasks];
  const { fed, seams: all } = cutAt(features, microBatchSize, batchSize);
  // The losses' own dropout and batch norms see the whole batch.
  const lossPass = pass.ofAnotherGraph();
  const { total, outputs: losses, teacherInputs } = lossGraph(model, fed, lossPass);
  const lossMasks = lossPass.dropoutMasks.slice(forwardMasks.length);
  const lossUpdates = lossPass.bufferUpdates;
  const isInLoss = new Set(topologicalOrder([total, ...lossUpdates.map(({ next }) => next)]));
  requireFeaturesOnly(isInLoss, all);
  const seams = all.filter(({ fed }) => isInLoss.has(fed));
  const moving = seams.filter(({ fed: { dtype } }) => isFloating(dtype));
  const computed = moving.map((seam) => seam.computed);
  const adam = adamOf(model, [...computed, total], training);
  const sums = new Map(
    adam.parameters.map((parameter) => {
      const zeros = new Float32Array(elementCount(parameter.shape));
      return [parameter, new Parameter(parameter.shape, zeros, { isTrainable: false })];
    }),
  );
  const ofSeams = gradients(
    total,
    moving.map((seam) => seam.fed),
  );
  const cotangents = moving.map(({ computed: value }, i) => {
    return { value, gradient: new Input(gradientName(i), value.dtype, value.shape) };
  });
  const inLoss = accumulated(sums, [total], (targets) => gradients(total, targets));
  const inBackward = accumulated(sums, computed, (targets) => pulledBack(cotangents, targets));
  const { gradientNorm, updates } = updateGraph(adam, [...sums.values()], { gradientClip, loss: total });
  const cached = Object.fromEntries(seams.map(({ fed, computed }) => [fed.name, computed]));
  const found = Object.fromEntries(ofSeams.map((gradient, i) => [gradientName(i), gradient]));
  return {
    graphs: {
      forward: { outputs: cached, updates: pass.bufferUpdates },
      loss: { outputs: { ...losses, ...found }, updates: [...inLoss, ...lossUpdates] },
      backward: { outputs: {}, updates: inBackward },
      update: { outputs: { gradientNorm }, updates },
    },
    adam,
    sums,
    teacherInputs,
    masks: [...forwardMasks.map((mask) => ofWholeBatch(mask, microBatchSize, batchSize)), ...lossMasks],
    notes: batchNormNotes(model, pass.bufferUpdates, config),
  };
}

/** Adds the gradients of parameters that `outputs` depend on to their sums. */
function accumulated(
  sums: ReadonlyMap<Parameter, Parameter>,
  outputs: readonly Value[],
  gradientsOf: (targets: readonly Value[]) => Value[],
): ParameterUpdate[] {
  const isUsed = new Set(topologicalOrder(outputs));
  const used = [...sums].filter(([parameter]) => isUsed.has(parameter));
  const found = gradientsOf(used.map(([parameter]) => parameter));
  return used.map(([, sum], i) => ({ parameter: sum, next: add(sum, found[i] as Value) }));
}

async function compileGraphs(
  { forward, loss, backward, update }: MicroBatchGraphs["graphs"],
  options: SessionOptions,
): Promise<Sessions> {
  return {
    forward: await StatefulSession.compile<string>(forward.outputs, forward.updates, options),
    loss: await StatefulSession.compile<string>(loss.outputs, loss.updates, options),
    backward: await StatefulSession.compile<string>(backward.outputs, backward.updates, options),
    update: await StatefulSession.compile<string>(update.outputs, update.updates, {
      ...options,
      accept: ({ gradientNorm }) => gradientNorm !== undefined && Number.isFinite(scalarOf(gradientNorm)),
    }),
  };
}

/** One of the tensors by which the losses see a batch: of a micro-batch as computed, of the whole batch as fed. */
interface Seam {
  readonly computed: Value;
  readonly fed: Input;
}

/** The same features as inputs of a whole batch: where forward pass and losses are cut apart. */
function cutAt(
  features: BatchFeatures,
  microBatchSize: number,
  batchSize: number,
): { readonly fed: BatchFeatures; readonly seams: readonly Seam[] } {
  const seams = new Map<Value, Seam>();
  const cut = (name: string, feature: unknown): unknown => {
    if (feature instanceof Value) {
      const [count, ...rest] = feature.shape;
      // What has no row for each triplet stays as it is; `requireFeaturesOnly` sees to it that no loss needs it.
      if (feature instanceof Parameter || count !== microBatchSize) return feature;
      const known = seams.get(feature);
      if (known) return known.fed;
      const fed = new Input(name, feature.dtype, [batchSize, ...rest]);
      seams.set(feature, { computed: feature, fed });
      return fed;
    }
    if (Array.isArray(feature)) return feature.map((child, i) => cut(`${name}.${i}`, child));
    if (typeof feature !== "object" || feature === null) return feature;
    return Object.fromEntries(
      Object.entries(feature).map(([field, child]) => [field, cut(`${name}.${field}`, child)]),
    );
  };
  return { fed: cut("cached", features) as BatchFeatures, seams: [...seams.values()] };
}

/** @throws GraphError when losses are computed from something of the forward pass that is no feature of the batch. */
function requireFeaturesOnly(isInLoss: ReadonlySet<Value>, seams: readonly Seam[]): void {
  const forward = topologicalOrder(seams.map(({ computed }) => computed));
  const shared = forward.flatMap((value) =>
    value instanceof Input && isInLoss.has(value) ? [value.name] : [],
  );
  if (shared.length === 0) return;
  throw new GraphError(
    "micro-batches: losses may only use the features they are given, those with a row for each triplet, since the whole " +
      `batch is never in memory; got a loss that depends on ${shared.join(", ")} in another way`,
  );
}

/** @throws GraphError when the mask's first axis is not the batch: its parts would not be the micro-batches'. */
function ofWholeBatch(
  { input: { name, dtype, shape }, keepProbability }: DropoutMask,
  microBatchSize: number,
  batchSize: number,
): DropoutMask {
  const [count, ...rest] = shape;
  if (count !== microBatchSize)
    throw new GraphError(
      `micro-batches: ${name} must have one row for each of ${microBatchSize} triplets; got [${shape.join(", ")}]`,
    );
  return { input: new Input(name, dtype, [batchSize, ...rest]), keepProbability };
}

/** Tells how batch norm by micro-batches differs from the whole batch, and of which layers; nothing where there is none. */
function batchNormNotes(
  model: CompositionModel,
  updates: readonly ParameterUpdate[],
  { microBatchSize, training: { batchSize } }: MicroBatchConfig,
): readonly string[] {
  const isMoved = new Set(updates.map(({ parameter }) => parameter));
  const moved = [...model.state()].filter(([, value]) => isMoved.has(value)).map(([name]) => name);
  const norms = new Set(moved.map((name) => name.slice(0, name.lastIndexOf("."))));
  const isInBackbone = (name: string) => name.startsWith("image.backbone.");
  const own = [...norms].filter((name) => !isInBackbone(name));
  const shown = [
    ...(own.length < norms.size ? ["the backbone's (backboneStatistics=frozen keeps them)"] : []),
    ...own,
  ];
  if (shown.length === 0) return [];
  return [
    `microBatchSize ${microBatchSize}: batch norm normalises by the statistics of ${microBatchSize} triplets, not of ${batchSize}, ` +
      `and its running statistics move ${batchSize / microBatchSize} times a step; losses and gradients are those of the ` +
      `whole batch only where no layer before the losses uses the batch's statistics; got ${shown.slice(0, shownNorms).join(", ")}` +
      (shown.length > shownNorms ? ` and ${shown.length - shownNorms} more` : ""),
  ];
}

/** Batch norms that a note names. */
const shownNorms = 4;
