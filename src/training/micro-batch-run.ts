/** One step by micro-batches: the order in which its graphs run, and what becomes of their results. */
import type { Parameter } from "../engine/graph/value.js";
import { type Feeds, usedFeeds } from "../engine/runtime/session.js";
import type { StatefulSession } from "../engine/runtime/stateful-session.js";
import { scalarOf, type Tensor } from "../engine/tensor/tensor.js";
import { type BatchRange, examplesOf, joinExamples } from "./batch-parts.js";
import { lossValues, type StepResult } from "./step-graph.js";

export interface Sessions {
  readonly forward: StatefulSession<string>;
  readonly loss: StatefulSession<string>;
  readonly backward: StatefulSession<string>;
  readonly update: StatefulSession<string>;
}

interface StepState {
  /** Of the gradients, by parameter. */
  readonly sums: ReadonlyMap<Parameter, Parameter>;
  /** Running statistics. */
  readonly buffers: readonly Parameter[];
}

interface StepRun extends StepResult {
  readonly notFinite: readonly Parameter[];
}

export async function runMicroBatches(
  { forward, loss, backward, update }: Sessions,
  { sums, buffers }: StepState,
  feeds: Feeds,
  ranges: readonly BatchRange[],
): Promise<StepRun> {
  for (const { data } of sums.values()) data.fill(0);
  const before = buffers.map(({ data }) => data.slice());
  const cached: Record<string, Tensor>[] = [];
  for (const range of ranges) cached.push((await forward.run(feedsFor(forward, feeds, range))).outputs);
  const whole = Object.fromEntries(
    Object.keys(cached[0] ?? {}).map((name) => [
      name,
      joinExamples(cached.map((part) => part[name] as Tensor)),
    ]),
  );
  const { outputs } = await loss.run({ ...whole, ...feedsFor(loss, feeds) });
  for (const range of ranges) {
    await backward.run(feedsFor(backward, { ...feeds, ...gradientsAmong(outputs) }, range));
  }
  const values = lossValues(outputs);
  // With a loss that is not finite the gradients are only looked at, to say where it shows.
  const updated = Number.isFinite(values.total) ? await update.run(feedsFor(update, feeds)) : undefined;
  const norm = updated?.outputs.gradientNorm;
  const result = { loss: values, gradientNorm: norm ? scalarOf(norm) : Number.NaN };
  if (updated?.isAccepted) return { ...result, isAccepted: true, notFinite: [] };
  const isBad = ({ data }: Parameter) => !data.every(Number.isFinite);
  const badGradients = [...sums].filter(([, sum]) => isBad(sum)).map(([parameter]) => parameter);
  const notFinite = new Set([
    ...badGradients,
    ...(updated ? update.notFinite : []),
    ...buffers.filter(isBad),
  ]);
  for (const [i, buffer] of buffers.entries()) buffer.data = before[i] as Float32Array;
  return { ...result, isAccepted: false, notFinite: [...notFinite] };
}

/** What a graph wants of the feeds of a whole batch: all of it, or some examples. */
function feedsFor(
  session: { hasInput(name: string): boolean },
  feeds: Feeds,
  range?: BatchRange,
): Record<string, Tensor> {
  const used = usedFeeds(session, feeds);
  if (!range) return used;
  return Object.fromEntries(Object.entries(used).map(([name, value]) => [name, examplesOf(value, range)]));
}

const gradientPrefix = "gradient.";

/** Name of d(loss)/d(seam) among the outputs of the loss graph and the inputs of the backward graph. */
export function gradientName(seam: number): string {
  return `${gradientPrefix}${seam}`;
}

function gradientsAmong(outputs: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(outputs).filter(([name]) => name.startsWith(gradientPrefix)));
}
