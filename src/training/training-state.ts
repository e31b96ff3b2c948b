/** Where a run stands: everything that its future depends on, as numbers and as tensors. */
import { z } from "zod";
import { calmLoss } from "./guards.js";
import { noLosses } from "./loss-sums.js";

const count = z.int().nonnegative();
/** The parts are the model's. */
const losses = z.object({ total: z.number() }).catchall(z.number());
const random = z
  .array(
    z
      .int()
      .min(-(2 ** 31))
      .max(2 ** 31 - 1),
  )
  .length(4)
  .readonly();

/** The numbers; they survive JSON. */
export const trainingStateSchema = z.strictObject({
  /** Optimizer steps done. */
  step: count,
  /** Epochs that were ended: watched, reported, and made the teacher. */
  epochsDone: count,
  loader: z.strictObject({ random, epoch: count, batch: count }),
  /** The stream of dropout masks. */
  dropout: random,
  /** Losses of the epoch under way. */
  epochLoss: z.strictObject({ count, sums: losses }),
  /** The epoch with the highest mean of held-out recalls so far. */
  best: z.strictObject({ epoch: count, step: count, recall: z.number() }).optional(),
  lossGuard: z.strictObject({ mean: z.number(), count, over: count }),
  /** Fusion layers, from 0, whose routers were reported as collapsed. */
  collapsedLayers: z.array(count),
  /** Time spent in the epoch under way. */
  epochSeconds: z.number().nonnegative(),
  /** Time spent in all, by every process that worked on the run. */
  seconds: z.number().nonnegative(),
});

export type TrainingState = z.infer<typeof trainingStateSchema>;

/** What `state.best` holds. */
export type BestEpoch = NonNullable<TrainingState["best"]>;

/** A run before its first step. */
export function initialState({ loader, dropout }: Pick<TrainingState, "loader" | "dropout">): TrainingState {
  return {
    step: 0,
    epochsDone: 0,
    loader,
    dropout,
    epochLoss: noLosses,
    lossGuard: calmLoss,
    collapsedLayers: [],
    epochSeconds: 0,
    seconds: 0,
  };
}
