/** The loop of a run: steps, ends of epochs, saves. All that its future depends on is explicit. */
import type { Batch, BatchLoader } from "../data/batch-loader.js";
import type { ImageSource } from "../data/image-source.js";
import { DivergenceError } from "../errors.js";
import type { CompositionModel } from "../models/composition-model.js";
import type { FrozenBackbone } from "../retrieval/frozen-backbone.js";
import type { SessionOptions } from "../runtime/session.js";
import type { Random } from "../tensor/random.js";
import { learningRateAt } from "./learning-rate.js";
import { meanLoss, noLosses, withLoss } from "./loss-sums.js";
import type { EpochMetrics, Metrics } from "./metrics.js";
import type { RunManifest } from "./run-files.js";
import { Teacher } from "./teacher.js";
import type { TrainingData } from "./training-data.js";
import type { TrainingConfig } from "./training-fields.js";
import type { TrainingState } from "./training-state.js";
import type { TrainingStep } from "./training-step.js";
import { watch } from "./watch.js";

/** What a loop works with; all of it stands where `state` says when the loop is made. */
export interface LoopParts {
  readonly model: CompositionModel;
  readonly training: TrainingConfig;
  readonly compiled: TrainingStep;
  readonly loader: BatchLoader;
  /** Draws the dropout masks. */
  readonly dropout: Random;
  readonly data: TrainingData;
  readonly images: ImageSource;
  readonly features: FrozenBackbone | undefined;
  readonly session: SessionOptions;
  readonly signal: AbortSignal | undefined;
  /** Records what happened. */
  readonly report: (metrics: Metrics) => void;
  /** Saves the run as it stands. */
  readonly save: (status: RunManifest["status"], loop: TrainingLoop) => void;
  readonly runDir: string;
  /** When this process began to work on the run, by `performance.now()`. */
  readonly startMs: number;
}

/** How the loop ended, when it did not throw. */
export type LoopEnd = "complete" | "interrupted";

export class TrainingLoop {
  readonly #parts: LoopParts;
  /** Apart from what `loader` and `dropout` know themselves. */
  #progress: Omit<TrainingState, "loader" | "dropout">;
  #teacher: Teacher | undefined;
  #lastEpoch: EpochMetrics | undefined;
  /** When `#progress.seconds` was brought up to date. */
  #clockMs: number;

  constructor(parts: LoopParts, { loader, dropout, ...progress }: TrainingState) {
    this.#parts = parts;
    this.#progress = progress;
    this.#clockMs = parts.startMs;
  }

  /** Where the run stands. */
  get state(): TrainingState {
    const { loader, dropout } = this.#parts;
    const now = performance.now();
    const seconds = (now - this.#clockMs) / 1000;
    this.#clockMs = now;
    const { seconds: before, epochSeconds } = this.#progress;
    this.#progress = {
      ...this.#progress,
      seconds: before + seconds,
      epochSeconds: epochSeconds + seconds,
    };
    return { ...this.#progress, loader: loader.state(), dropout: dropout.state() };
  }

  /** The last epoch's metrics, when one was finished. */
  get lastEpoch(): EpochMetrics | undefined {
    return this.#lastEpoch;
  }

  /**
   * Trains to the end, or to the step under way when the signal is aborted; either way the run is saved.
   * @throws DivergenceError when loss or gradients are not finite, with the last good parameters saved; ImageError.
   */
  async run(): Promise<LoopEnd> {
    const { loader, training, signal, save } = this.#parts;
    const { epochSeconds } = this.#progress;
    this.#progress = { ...this.state, epochSeconds }; // the time of preparations is no epoch's
    while (this.#progress.epochsDone < training.epochs) {
      // A loader that is past the epoch has given out all of it; only the epoch's end is missing.
      if (loader.state().epoch === this.#progress.epochsDone) {
        for await (const batch of loader.epoch()) {
          await this.#step(batch);
          if (signal?.aborted) {
            save("interrupted", this);
            return "interrupted";
          }
        }
      }
      await this.#endEpoch();
    }
    return "complete";
  }

  /** Frees the native sessions that the loop made. */
  async release(): Promise<void> {
    await this.#teacher?.release();
  }

  async #step(batch: Batch): Promise<void> {
    const { training, loader, compiled, dropout, report } = this.#parts;
    const startMs = performance.now();
    const { epochsDone } = this.#progress;
    const totalSteps = loader.batchesPerEpoch * training.epochs;
    const step = this.#progress.step + 1;
    const learningRate = learningRateAt(step - 1, totalSteps, training);
    const { loss, gradientNorm, isAccepted } = await compiled.run(batch, {
      step,
      learningRate,
      random: dropout,
      teacher: await this.#teacher?.predict(batch),
    });
    if (!isAccepted) {
      const { save, runDir } = this.#parts;
      save("diverged", this);
      throw new DivergenceError(
        `step ${step} (epoch ${epochsDone + 1}): loss or gradients are not finite; got loss ${loss.total}, gradient norm ${gradientNorm}; ` +
          `the parameters of step ${step - 1} are in ${runDir}; try a lower learningRate (now ${learningRate}) or set gradientClip`,
      );
    }
    this.#progress = { ...this.#progress, step, epochLoss: withLoss(this.#progress.epochLoss, loss) };
    report({
      kind: "step",
      step,
      epoch: epochsDone + 1,
      loss,
      gradientNorm,
      learningRate,
      imagesPerSecond: (2 * training.batchSize * 1000) / (performance.now() - startMs),
    });
  }

  async #endEpoch(): Promise<void> {
    const { model, training, data, images, features, session, report, save } = this.#parts;
    const { vocabulary, parts } = data;
    const watched = await watch(model, {
      ...{ images, vocabulary, features, training, session },
      validation: parts.validation,
    });
    const { step, epochsDone, epochLoss, epochSeconds } = this.state;
    const epoch = epochsDone + 1;
    this.#lastEpoch = {
      kind: "epoch",
      epoch,
      step,
      loss: meanLoss(epochLoss),
      ...watched,
      seconds: epochSeconds,
    };
    report(this.#lastEpoch);
    this.#progress = { ...this.#progress, epochsDone: epoch, epochLoss: noLosses, epochSeconds: 0 };
    save(epoch === training.epochs ? "complete" : "training", this);
    if (model.auxiliaryLosses.distillation && epoch < training.epochs) {
      await this.#teacher?.release();
      this.#teacher = await Teacher.snapshot(
        model,
        { ...training, featureMapShape: features?.shape },
        session,
      );
    }
  }
}
