/** Where a run stands, besides its tensors: with them, everything that its future depends on. */
import type { BatchLoaderState } from "../data/batch-loader.js";
import type { RandomState } from "../tensor/random.js";
import { type LossSumsState, noLosses } from "./loss-sums.js";

/** Survives JSON. */
export interface TrainingState {
  /** Optimizer steps done. */
  readonly step: number;
  /** Epochs that were ended: watched, reported, and made the teacher. */
  readonly epochsDone: number;
  readonly loader: BatchLoaderState;
  /** The stream of dropout masks. */
  readonly dropout: RandomState;
  /** Losses of the epoch under way. */
  readonly epochLoss: LossSumsState;
  /** Time spent in the epoch under way. */
  readonly epochSeconds: number;
  /** Time spent in all, by every process that worked on the run. */
  readonly seconds: number;
}

/** A run before its first step. */
export function initialState({ loader, dropout }: Pick<TrainingState, "loader" | "dropout">): TrainingState {
  return { step: 0, epochsDone: 0, loader, dropout, epochLoss: noLosses, epochSeconds: 0, seconds: 0 };
}
