/** The loop of a run: steps, and the ends of epochs. All that its future depends on is in `Compiled` and `Progress`. */
import type { Batch } from "../data/batches/batch-loader.js";
import { DivergenceError, ImageError } from "../errors.js";
import type { EpochMetrics } from "../runs/metrics.js";
import { endEpoch } from "./epoch-end.js";
import { describeNotFinite, lossCeiling, watchLoss } from "./guards.js";
import { learningRateAt } from "./learning-rate.js";
import { withLoss } from "./loss-sums.js";
import type { RunWriter } from "./run-writer.js";
import type { Compiled } from "./stages.js";
import type { StepResult } from "./step-graph.js";
import type { Progress } from "./training-state.js";
import { noteWords } from "./unseen-words.js";

/** How a training ended, when it did not throw. */
export interface TrainSummary {
  readonly status: "complete" | "interrupted";
  readonly steps: number;
  readonly seconds: number;
  /** The last epoch's metrics, when this process finished one. */
  readonly lastEpoch: EpochMetrics | undefined;
}

export class TrainingLoop {
  readonly #run: Compiled;
  readonly #progress: Progress;
  readonly #writer: RunWriter;
  #lastEpoch: EpochMetrics | undefined;

  constructor(run: Compiled, progress: Progress, writer: RunWriter) {
    this.#run = run;
    this.#progress = progress;
    this.#writer = writer;
  }

  /**
   * Trains to the end, or to the step under way when the signal is aborted; either way the run is saved.
   * @throws DivergenceError when loss or gradients are not finite, or the loss explodes, with the last good parameters
   * saved; ImageError for an image that broke after it was looked at, with the run saved; EnvironmentError when the disk
   * is full.
   */
  async run(): Promise<TrainSummary> {
    const { loader, signal } = this.#run;
    const { epochSeconds } = this.#progress.numbers;
    this.#progress.state();
    this.#progress.update({ epochSeconds }); // the time of preparations is no epoch's
    try {
      for (let isDone = false; !isDone; ) {
        // A loader that is past the epoch has given out all of it; only the epoch's end is missing.
        if (loader.state().epoch === this.#progress.numbers.epochsDone) {
          for await (const batch of loader.epoch()) {
            await this.#step(batch);
            if (signal?.aborted) return this.stop();
            if (this.#writer.isCheckpointDue) this.#writer.checkpoint("same");
          }
        }
        const { metrics, isRunComplete } = await endEpoch(this.#run, this.#progress, this.#writer);
        this.#lastEpoch = metrics;
        isDone = isRunComplete;
      }
      return this.#summary("complete");
    } catch (error) {
      // Every step that was done is worth keeping; the one that needs the image is done when it is back.
      if (error instanceof ImageError) this.stop();
      throw error;
    }
  }

  /** Saves the run as it stands, to be resumed. */
  stop(): TrainSummary {
    this.#writer.unfinished("interrupted");
    this.#writer.checkpoint("same");
    return this.#summary("interrupted");
  }

  async #step(batch: Batch): Promise<void> {
    const { config, loader, trainingStep, dropout, teacher, average, seenWords } = this.#run;
    const { training } = config;
    const startMs = performance.now();
    const { step: stepsDone, epochsDone, lossGuard: guard, epochLoss } = this.#progress.numbers;
    const step = stepsDone + 1;
    const learningRate = learningRateAt(stepsDone, loader.batchesPerEpoch * training.epochs, training);
    const result = await trainingStep.run(batch, {
      step,
      learningRate,
      random: dropout,
      teacher: await teacher.predict(batch),
    });
    if (!result.isAccepted) throw this.#diverged(result, { step, learningRate });
    const { loss, gradientNorm } = result;
    average?.update(step);
    noteWords(seenWords, batch);
    const lossGuard = watchLoss(guard, loss.total, training);
    this.#progress.update({ step, lossGuard, epochLoss: withLoss(epochLoss, loss) });
    this.#writer.report({
      kind: "step",
      step,
      epoch: epochsDone + 1,
      loss,
      gradientNorm,
      learningRate,
      imagesPerSecond: (2 * training.batchSize * 1000) / (performance.now() - startMs),
    });
    if (lossGuard.over >= training.lossLimitSteps) throw this.#exploded(loss.total);
  }

  #diverged(
    { loss, gradientNorm }: StepResult,
    { step, learningRate }: { readonly step: number; readonly learningRate: number },
  ): DivergenceError {
    const { model, trainingStep, runDir } = this.#run;
    this.#writer.unfinished("diverged");
    const where = describeNotFinite(loss, trainingStep.notFinite, model.namedParameters());
    return new DivergenceError(
      `step ${step} (epoch ${this.#progress.numbers.epochsDone + 1}): loss or gradients are not finite: ${where}; ` +
        `got loss ${loss.total}, gradient norm ${gradientNorm}; the parameters of step ${step - 1} are in ${runDir}; ` +
        `try a lower learningRate (now ${learningRate}) or set gradientClip`,
    );
  }

  #exploded(loss: number): DivergenceError {
    const { runDir, config } = this.#run;
    const { training } = config;
    const { step, epochsDone, lossGuard } = this.#progress.numbers;
    this.#writer.manifest("diverged");
    const ceiling = lossCeiling(lossGuard, training);
    return new DivergenceError(
      `step ${step} (epoch ${epochsDone + 1}): the loss was above ${ceiling.toFixed(3)}, lossLimit (${training.lossLimit}) times its ` +
        `running mean, for ${lossGuard.over} steps on end; got ${loss.toFixed(3)}; ` +
        `the last checkpoint, of step ${this.#writer.checkpointStep ?? 0}, is in ${runDir}; ` +
        "try a lower learningRate, a longer warm-up or gradientClip, or raise lossLimit",
    );
  }

  #summary(status: TrainSummary["status"]): TrainSummary {
    const { step: steps, seconds } = this.#progress.state();
    return { status, steps, seconds, lastEpoch: this.#lastEpoch };
  }
}
