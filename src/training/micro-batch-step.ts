/** A training step on a batch of which only a part is in memory at a time. */
import { gradients, pulledBack } from "../engine/autodiff/gradients.js";
import type { ParameterUpdate } from "../engine/graph/parameter-update.js";
import { graphMemory } from "../engine/graph/peak-memory.js";
import { topologicalOrder } from "../engine/graph/traversal.js";
import { Input, Parameter, type Value } from "../engine/graph/value.js";
import { add } from "../engine/ops/arithmetic.js";
import { GraphSession } from "../engine/runtime/session.js";
import { StatefulSession } from "../engine/runtime/stateful-session.js";
import { elementCount } from "../engine/tensor/shape.js";
import { GraphError } from "../errors.js";
import type { CompositionModel } from "../models/composition-model.js";
import type { DropoutMask, ForwardPass } from "../nn/forward-pass.js";
import type { RouterLogits } from "../nn/losses/routes.js";
import { microBatches } from "./batch-parts.js";
import { gradientName, runMicroBatches, type Sessions } from "./micro-batch-run.js";
import {
  adamOf,
  type CompiledStep,
  type Embedded,
  forwardGraph,
  isFiniteScalar,
  lossGraph,
  type StepConfig,
  type StepOptions,
  updateGraph,
} from "./step-graph.js";

/** One of the tensors by which the losses see a batch: of a micro-batch as computed, of the whole batch as fed. */
interface Seam {
  readonly computed: Value;
  readonly fed: Input;
}

/**
 * Gradient caching (Gao et al. 2021, arXiv 2101.06983). Four graphs, compiled once:
 *
 *   1. forward   micro-batch -> q, u, t and router logits               run for every micro-batch
 *   2. loss      those of the whole batch -> losses and d(loss)/d(each)  run once
 *   3. backward  micro-batch and its rows of d(loss)/d(each) -> sums of d(loss)/d(parameter)   for every micro-batch
 *   4. update    sums -> clipping, Adam                                  run once
 *
 * The first and third are built on the same forward graph and fed the same masks, so that the gradients are those of
 * the whole batch up to rounding, at the price of a second forward pass. Batch norm with batch statistics is the
 * exception: it sees micro-batches, in both passes the same.
 */
export async function compileMicroBatchStep(
  model: CompositionModel,
  config: StepConfig & { readonly microBatchSize: number },
  { beforeCompile, ...options }: StepOptions,
): Promise<CompiledStep> {
  const { training, microBatchSize } = config;
  const { batchSize } = training;
  const { pass, ...embedded } = forwardGraph(model, microBatchSize, config);
  const { fed, seams: all } = cutAt(embedded, batchSize);
  const { parts, teacherInputs } = lossGraph(model, fed);
  const isInLoss = new Set(topologicalOrder([parts.total]));
  const seams = all.filter(({ fed }) => isInLoss.has(fed));
  const computed = seams.map((seam) => seam.computed);
  const adam = adamOf(model, [...computed, parts.total], training);

  const sums = new Map(
    adam.parameters.map((parameter) => {
      const zeros = new Float32Array(elementCount(parameter.shape));
      return [parameter, new Parameter(parameter.shape, zeros, { isTrainable: false })];
    }),
  );
  /** Adds `gradients` of parameters that `outputs` depend on to their sums. */
  const accumulated = (outputs: readonly Value[], gradientsOf: (targets: readonly Value[]) => Value[]) => {
    const isUsed = new Set(topologicalOrder(outputs));
    const used = [...sums].filter(([parameter]) => isUsed.has(parameter));
    const found = gradientsOf(used.map(([parameter]) => parameter));
    return used.map(([, sum], i) => ({ parameter: sum, next: add(sum, found[i] as Value) }));
  };
  const ofSeams = gradients(
    parts.total,
    seams.map((seam) => seam.fed),
  );
  const rows = seams.map((seam, i) => new Input(gradientName(i), seam.computed.dtype, seam.computed.shape));
  const { gradientNorm, updates } = updateGraph(adam, [...sums.values()], {
    gradientClip: training.gradientClip,
    loss: parts.total,
  });

  const graphs = {
    forward: {
      outputs: Object.fromEntries(seams.map(({ fed, computed }) => [fed.name, computed])),
      updates: [],
    },
    loss: {
      outputs: { ...parts, ...Object.fromEntries(ofSeams.map((gradient, i) => [gradientName(i), gradient])) },
      updates: accumulated([parts.total], (targets) => gradients(parts.total, targets)),
    },
    backward: {
      outputs: {},
      updates: [
        ...accumulated(computed, (targets) =>
          pulledBack(
            seams.map((seam, i) => ({ value: seam.computed, gradient: rows[i] as Value })),
            targets,
          ),
        ),
        ...pass.bufferUpdates,
      ],
    },
    update: { outputs: { gradientNorm }, updates },
  };
  beforeCompile?.(
    graphMemory(
      Object.values(graphs).map(({ outputs, updates }) => ({
        outputs: Object.values<Value>(outputs),
        updates,
      })),
    ),
  );
  const compiled = ({ outputs, updates }: StatefulGraphByName) =>
    StatefulSession.compile<string>(outputs, updates, options);
  const sessions: Sessions = {
    forward: await GraphSession.compile<string>(graphs.forward.outputs, { ...options, parameters: "fed" }),
    loss: await compiled(graphs.loss),
    backward: await compiled(graphs.backward),
    update: await StatefulSession.compile<"gradientNorm">({ gradientNorm }, updates, {
      ...options,
      accept: ({ gradientNorm }) => isFiniteScalar(gradientNorm),
    }),
  };
  const state = { sums, buffers: pass.bufferUpdates.map(({ parameter }) => parameter) };
  let notFinite: readonly Parameter[] = [];
  return {
    adam,
    masks: pass.dropoutMasks.map((mask) => ofWholeBatch(mask, microBatchSize, batchSize)),
    teacherInputs,
    notes: notesOn(pass, training.batchSize, microBatchSize),
    hasInput: (name) => Object.values(sessions).some((session) => session.hasInput(name)),
    async run(feeds) {
      const { notFinite: found, ...result } = await runMicroBatches(
        sessions,
        state,
        feeds,
        microBatches(batchSize, microBatchSize),
      );
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

interface StatefulGraphByName {
  readonly outputs: Readonly<Record<string, Value>>;
  readonly updates: readonly ParameterUpdate[];
}

/** The same values as inputs of a whole batch: where forward pass and losses are cut apart. */
function cutAt(
  { composition: { q, u, logits }, target }: Embedded,
  batchSize: number,
): { readonly fed: Embedded; readonly seams: readonly Seam[] } {
  const seams: Seam[] = [];
  const cut = (name: string, computed: Value): Input => {
    const [, ...rest] = computed.shape;
    const fed = new Input(`cached.${name}`, computed.dtype, [batchSize, ...rest]);
    seams.push({ computed, fed });
    return fed;
  };
  const fed: Embedded = {
    composition: {
      q: cut("q", q),
      ...(u ? { u: cut("u", u) } : {}),
      ...(logits
        ? {
            logits: logits.map(
              (kinds, layer): RouterLogits =>
                Object.fromEntries(
                  Object.entries(kinds).map(([kind, value]) => [kind, cut(`logits.${layer}.${kind}`, value)]),
                ),
            ),
          }
        : {}),
    },
    target: cut("target", target),
  };
  return { fed, seams };
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

/** What differs from the whole batch. */
function notesOn(pass: ForwardPass, batchSize: number, microBatchSize: number): string[] {
  if (pass.bufferUpdates.length === 0) return [];
  return [
    `microBatchSize ${microBatchSize}: batch norm normalises by the statistics of ${microBatchSize} triplets, not of ${batchSize}, ` +
      `and its running statistics move ${batchSize / microBatchSize} times a step; losses and gradients are those of the ` +
      "whole batch only where no layer uses the batch's statistics (backboneStatistics=frozen, imageNorm=none)",
  ];
}
