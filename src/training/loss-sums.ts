/** Mean losses over the steps of an epoch. */
import type { LossValues } from "../runs/metrics.js";

/** Where the sums stand; survives JSON. */
export interface LossSumsState {
  readonly count: number;
  readonly sums: LossValues;
}

export const noLosses: LossSumsState = { count: 0, sums: { total: 0 } };

/** The sums with one step more; they have the parts that this step has. */
export function withLoss({ count, sums }: LossSumsState, loss: LossValues): LossSumsState {
  return { count: count + 1, sums: mapLoss(loss, (value, name) => (sums[name] ?? 0) + value) };
}

/** Zeros when nothing was added. */
export function meanLoss({ count, sums }: LossSumsState): LossValues {
  return mapLoss(sums, (value) => value / Math.max(1, count));
}

function mapLoss(loss: LossValues, change: (value: number, name: string) => number): LossValues {
  const { total, ...parts } = loss;
  const changed = Object.entries(parts).map(([name, value]) => [name, change(value, name)] as const);
  return { total: change(total, "total"), ...Object.fromEntries(changed) };
}
