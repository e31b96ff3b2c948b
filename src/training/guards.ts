/** Detects training that goes wrong: an exploding loss, collapsed routers, values that are not finite. */
import type { Parameter } from "../engine/graph/value.js";
import { type LossValues, lossParts } from "../runs/metrics.js";
import type { TrainingConfig } from "../runs/training-fields.js";

/** Where the watch over the loss stands; survives JSON. */
export interface LossGuard {
  /** Running mean of the loss, over about `memory` steps; of those that were not above the limit. */
  readonly mean: number;
  readonly count: number;
  /** Steps on end above the limit. */
  readonly over: number;
}

export const calmLoss: LossGuard = { mean: 0, count: 0, over: 0 };

/** Steps that the running mean goes back. */
const memory = 100;

/** The limit: lossLimit · max(running mean, ln batchSize); infinite before the first step, or with lossLimit 0. */
export function lossCeiling(
  { mean, count }: LossGuard,
  { lossLimit, batchSize }: Pick<TrainingConfig, "lossLimit" | "batchSize">,
): number {
  return count === 0 || lossLimit === 0
    ? Number.POSITIVE_INFINITY
    : lossLimit * Math.max(mean, Math.log(batchSize));
}

/** The watch after one step more. It is alarmed when `over` reaches `lossLimitSteps`. */
export function watchLoss(
  guard: LossGuard,
  loss: number,
  config: Pick<TrainingConfig, "lossLimit" | "batchSize">,
): LossGuard {
  if (loss > lossCeiling(guard, config)) return { ...guard, over: guard.over + 1 };
  const count = guard.count + 1;
  return { mean: guard.mean + (loss - guard.mean) / Math.min(count, memory), count, over: 0 };
}

/** Below this part of ln M a router sends nearly every query the same way through one module. */
const collapsedEntropy = 0.05;

/** Layers, from 0, that are collapsed and not among the `known`. */
export function collapsedLayers(entropies: readonly number[], known: readonly number[]): number[] {
  return entropies.flatMap((entropy, layer) =>
    entropy < collapsedEntropy && !known.includes(layer) ? [layer] : [],
  );
}

/** "router of layer 2 has collapsed: ..." */
export function collapseWarning(layer: number, entropy: number): string {
  return (
    `router of layer ${layer + 1} has collapsed: the entropy of its weights is ${entropy.toFixed(3)} of 1, below ${collapsedEntropy}; ` +
    "nearly all weight goes to one module; a lower learningRate or a longer warm-up may help"
  );
}

/** Where NaN or infinity shows, in words: the first part of the loss, or the gradients' groups and the first parameter. */
export function describeNotFinite(
  loss: LossValues,
  notFinite: readonly Parameter[],
  named: ReadonlyMap<string, Parameter>,
): string {
  const part = [...lossParts(loss), ["total", loss.total] as const].find(
    ([, value]) => !Number.isFinite(value),
  );
  const isBad = new Set(notFinite);
  const bad = [...named].filter(([, parameter]) => isBad.has(parameter)).map(([name]) => name);
  const [first] = bad;
  const gradients =
    first === undefined
      ? "every gradient is finite, but not the sum of their squares"
      : `gradients of ${bad.length} of ${named.size} parameters, the first ${first}`;
  return part ? `first the loss's part ${part[0]} (${part[1]}), then ${gradients}` : gradients;
}
