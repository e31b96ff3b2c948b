/** Mean loss parts over the steps of an epoch. */
import type { LossParts } from "../runs/metrics.js";

/** Where the sums stand; survives JSON. */
export interface LossSumsState {
  readonly count: number;
  readonly sums: LossParts;
}

export const noLosses: LossSumsState = {
  count: 0,
  sums: { total: 0, classification: 0, distillation: 0, consistency: 0 },
};

/** The sums with one step more. */
export function withLoss({ count, sums }: LossSumsState, loss: LossParts): LossSumsState {
  return { count: count + 1, sums: mapParts((part) => sums[part] + loss[part]) };
}

/** Zeros when nothing was added. */
export function meanLoss({ count, sums }: LossSumsState): LossParts {
  return mapParts((part) => sums[part] / Math.max(1, count));
}

function mapParts(value: (part: keyof LossParts) => number): LossParts {
  return {
    total: value("total"),
    classification: value("classification"),
    distillation: value("distillation"),
    consistency: value("consistency"),
  };
}
