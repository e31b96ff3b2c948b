/** Where a run stands: everything that its future depends on, as numbers and as tensors. */
import { z } from "zod";
import type { BatchLoader } from "../data/batches/batch-loader.js";
import type { Random } from "../engine/tensor/random.js";
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

/** The best epoch so far. */
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

/** The numbers that the loop keeps itself; the loader and the stream of masks keep their own. */
export type TrainingNumbers = Omit<TrainingState, "loader" | "dropout">;

/** Where a run under way stands, and the clock behind its seconds. */
export class Progress {
  #numbers: TrainingNumbers;
  readonly #loader: Pick<BatchLoader, "state">;
  readonly #dropout: Pick<Random, "state">;
  /** When the seconds were brought up to date. */
  #clockMs: number;

  /** @param startMs when this process began to work on the run, by `performance.now()`. */
  constructor(
    { loader: _, dropout: __, ...numbers }: TrainingState,
    {
      loader,
      dropout,
    }: { readonly loader: Pick<BatchLoader, "state">; readonly dropout: Pick<Random, "state"> },
    startMs: number,
  ) {
    this.#numbers = numbers;
    this.#loader = loader;
    this.#dropout = dropout;
    this.#clockMs = startMs;
  }

  /** The numbers; seconds as of the last `state()`. */
  get numbers(): TrainingNumbers {
    return this.#numbers;
  }

  update(change: Partial<TrainingNumbers>): void {
    this.#numbers = { ...this.#numbers, ...change };
  }

  /** All of it, with the seconds up to now. */
  state(): TrainingState {
    const now = performance.now();
    const passed = (now - this.#clockMs) / 1000;
    this.#clockMs = now;
    const { seconds, epochSeconds } = this.#numbers;
    this.update({ seconds: seconds + passed, epochSeconds: epochSeconds + passed });
    return { ...this.#numbers, loader: this.#loader.state(), dropout: this.#dropout.state() };
  }
}
