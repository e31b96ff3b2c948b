/** Learning rate by step: warm-up, then step decay or a cosine. */

export interface LearningRateOptions {
  /** Highest rate. */
  readonly learningRate: number;
  /** Steps over which the rate rises linearly from 0. */
  readonly warmupSteps: number;
  readonly schedule: "step" | "cosine";
  /** With "step": fraction of all steps after which the rate is multiplied by `decayFactor`. */
  readonly decayAt: number;
  readonly decayFactor: number;
}

/**
 * Rate of step `step` (from 0) of `totalSteps`.
 * "step": learningRate, and learningRate · decayFactor from step decayAt · totalSteps on (the paper's "decay by 10");
 * "cosine": half a cosine from learningRate to 0 over the steps after the warm-up.
 */
export function learningRateAt(step: number, totalSteps: number, options: LearningRateOptions): number {
  const { learningRate, warmupSteps, schedule, decayAt, decayFactor } = options;
  if (step < warmupSteps) return (learningRate * (step + 1)) / warmupSteps;
  if (schedule === "step") return step < decayAt * totalSteps ? learningRate : learningRate * decayFactor;
  const progress = (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
  return (learningRate * (1 + Math.cos(Math.PI * Math.min(1, progress)))) / 2;
}
