/** A training step on a batch of which only a part is in memory at a time. */
import { gradients, pulledBack } from "../autodiff/gradients.js";
import { GraphError } from "../errors.js";
import { topologicalOrder } from "../graph/traversal.js";
import { Input, Parameter, type Value } from "../graph/value.js";
import type { RouterLogits } from "../losses/routes.js";
import type { CompositionModel } from "../models/composition-model.js";
import type { DropoutMask, ForwardPass } from "../nn/forward-pass.js";
import { add } from "../ops/arithmetic.js";
import { type Feeds, GraphSession, type SessionOptions } from "../runtime/session.js";
import { StatefulSession } from "../runtime/stateful-session.js";
import { elementCount } from "../tensor/shape.js";
import { type Tensor, tensor } from "../tensor/tensor.js";
import { type BatchRange, examplesOf, joinExamples, microBatches } from "./batch-parts.js";
import type { LossParts } from "./metrics.js";
import {
  adamOf,
  type CompiledStep,
  type Embedded,
  forwardGraph,
  isFiniteScalar,
  lossGraph,
  type StepConfig,
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
  options: SessionOptions,
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

  const forward = await GraphSession.compile<string>(
    Object.fromEntries(seams.map((seam) => [seam.fed.name, seam.computed])),
    { ...options, parameters: "fed" },
  );
  const loss = await StatefulSession.compile<string>(
    { ...parts, ...Object.fromEntries(ofSeams.map((gradient, i) => [gradientName(i), gradient])) },
    accumulated([parts.total], (targets) => gradients(parts.total, targets)),
    options,
  );
  const backward = await StatefulSession.compile<never>(
    {},
    [
      ...accumulated(computed, (targets) =>
        pulledBack(
          seams.map((seam, i) => ({ value: seam.computed, gradient: rows[i] as Value })),
          targets,
        ),
      ),
      ...pass.bufferUpdates,
    ],
    options,
  );
  const update = await StatefulSession.compile<"gradientNorm">({ gradientNorm }, updates, {
    ...options,
    accept: ({ gradientNorm }) => isFiniteScalar(gradientNorm),
  });
  const sessions = { forward, loss, backward, update };
  const state = { sums: [...sums.values()], buffers: pass.bufferUpdates.map(({ parameter }) => parameter) };
  return {
    adam,
    masks: pass.dropoutMasks.map((mask) => ofWholeBatch(mask, microBatchSize, batchSize)),
    teacherInputs,
    notes: notesOn(pass, training.batchSize, microBatchSize),
    hasInput: (name) => Object.values(sessions).some((session) => session.hasInput(name)),
    run: (feeds) => runMicroBatches(sessions, state, feeds, microBatches(batchSize, microBatchSize)),
    async release() {
      for (const session of Object.values(sessions)) await session.release();
    },
  };
}

interface Sessions {
  readonly forward: GraphSession<string>;
  readonly loss: StatefulSession<string>;
  readonly backward: StatefulSession<never>;
  readonly update: StatefulSession<"gradientNorm">;
}

async function runMicroBatches(
  { forward, loss, backward, update }: Sessions,
  { sums, buffers }: { readonly sums: readonly Parameter[]; readonly buffers: readonly Parameter[] },
  feeds: Feeds,
  ranges: readonly BatchRange[],
): ReturnType<CompiledStep["run"]> {
  for (const { data } of sums) data.fill(0);
  const cached: Record<string, Tensor>[] = [];
  for (const range of ranges) cached.push(await forward.run(feedsFor(forward, feeds, range)));
  const names = Object.keys(cached[0] ?? {});
  const whole = Object.fromEntries(
    names.map((name) => [name, joinExamples(cached.map((part) => part[name] as Tensor))]),
  );
  const { outputs } = await loss.run({ ...whole, ...feedsFor(loss, feeds) });
  const parts = outputs as Record<keyof LossParts, Tensor>;
  if (!isFiniteScalar(parts.total)) {
    return { outputs: { ...parts, gradientNorm: notANumber }, isAccepted: false };
  }
  const ofWhole = Object.fromEntries(
    names.map((_, i) => [gradientName(i), outputs[gradientName(i)] as Tensor]),
  );
  const before = buffers.map(({ data }) => data.slice());
  for (const range of ranges) await backward.run(feedsFor(backward, { ...feeds, ...ofWhole }, range));
  const { outputs: last, isAccepted } = await update.run(feedsFor(update, feeds));
  if (!isAccepted) {
    for (const [i, buffer] of buffers.entries()) buffer.data = before[i] as Float32Array;
  }
  return { outputs: { ...parts, gradientNorm: last.gradientNorm }, isAccepted };
}

/** What a graph wants of the feeds of a whole batch: all of it, or some examples. */
function feedsFor(
  session: { hasInput(name: string): boolean },
  feeds: Feeds,
  range?: BatchRange,
): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(feeds)
      .filter(([name]) => session.hasInput(name))
      .map(([name, value]) => [name, range ? examplesOf(value, range) : value]),
  );
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

/** Name of d(loss)/d(seam) among the outputs of the loss graph and the inputs of the backward graph. */
function gradientName(seam: number): string {
  return `gradient.${seam}`;
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

const notANumber = tensor("float32", [], Float32Array.of(Number.NaN));
