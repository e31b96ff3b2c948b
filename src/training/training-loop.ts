/** The loop of a run: steps, ends of epochs, saves. All that its future depends on is explicit. */
import type { Batch, BatchLoader } from "../data/batches/batch-loader.js";
import type { FrozenBackbone } from "../embedding/frozen-backbone.js";
import type { SessionOptions } from "../engine/runtime/session.js";
import type { Random } from "../engine/tensor/random.js";
import type { Tensor } from "../engine/tensor/tensor.js";
import { DivergenceError, ImageError } from "../errors.js";
import type { ImageSource } from "../images/image-source.js";
import type { CompositionModel } from "../models/composition-model.js";
import type { EpochMetrics, Metrics } from "../runs/metrics.js";
import type { RunManifest } from "../runs/run-files.js";
import type { TrainingConfig } from "../runs/training-fields.js";
import { collapsedLayers, collapseWarning, describeNotFinite, lossCeiling, watchLoss } from "./guards.js";
import { learningRateAt } from "./learning-rate.js";
import { meanLoss, noLosses, withLoss } from "./loss-sums.js";
import { type MadeTeacher, makeTeacher, valuesOf } from "./make-teacher.js";
import type { RunWriter } from "./run-writer.js";
import type { StepResult } from "./step-graph.js";
import type { RouteTeacher } from "./teacher.js";
import type { TrainEvent } from "./train-event.js";
import type { TrainingData } from "./training-data.js";
import type { BestEpoch, TrainingState } from "./training-state.js";
import type { TrainingStep } from "./training-step.js";
import { type TensorHolders, tensorsOf } from "./training-tensors.js";
import { describeUnseen, noteWords, unseenWords } from "./unseen-words.js";
import { recallOf, watch } from "./watch.js";

/** What a loop works with; all of it stands where `state` says when the loop is made. */
export interface LoopParts extends Omit<TensorHolders, "moments"> {
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
  readonly writer: RunWriter;
  readonly onEvent: (event: TrainEvent) => void;
  readonly runDir: string;
  /** When this process began to work on the run, by `performance.now()`. */
  readonly startMs: number;
  /** A checkpoint is written when so much time has passed since the last one; 0: after every step. */
  readonly checkpointMinutes: number;
}

/** How the loop ended, when it did not throw. */
export type LoopEnd = "complete" | "interrupted";

export class TrainingLoop {
  readonly #parts: LoopParts;
  /** Apart from what `loader` and `dropout` know themselves. */
  #progress: Omit<TrainingState, "loader" | "dropout">;
  #teacher: RouteTeacher | undefined;
  #lastEpoch: EpochMetrics | undefined;
  /** When `#progress.seconds` was brought up to date. */
  #clockMs: number;
  #checkpointMs = performance.now();

  /** @param teacher of the epoch under way; without one there is no distillation in it. */
  constructor(
    parts: LoopParts,
    { loader, dropout, ...progress }: TrainingState,
    teacher: RouteTeacher | undefined,
  ) {
    this.#parts = parts;
    this.#progress = progress;
    this.#teacher = teacher;
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

  /** The last epoch's metrics, when this process finished one. */
  get lastEpoch(): EpochMetrics | undefined {
    return this.#lastEpoch;
  }

  /** Says in `run.json` that the run is under way. A new one gets its first checkpoint: the disk has room for one. */
  begin({ isNew }: { readonly isNew: boolean }): void {
    this.#parts.writer.manifest("training", this.state);
    if (isNew) this.#checkpoint("none");
  }

  /**
   * Trains to the end, or to the step under way when the signal is aborted; either way the run is saved.
   * @throws DivergenceError when loss or gradients are not finite, or the loss explodes, with the last good parameters
   * saved; ImageError for an image that broke after it was looked at, with the run saved; EnvironmentError when the disk
   * is full.
   */
  async run(): Promise<LoopEnd> {
    const { loader, signal, checkpointMinutes } = this.#parts;
    const { epochSeconds } = this.#progress;
    this.#progress = { ...this.state, epochSeconds }; // the time of preparations is no epoch's
    try {
      for (let isDone = false; !isDone; ) {
        // A loader that is past the epoch has given out all of it; only the epoch's end is missing.
        if (loader.state().epoch === this.#progress.epochsDone) {
          for await (const batch of loader.epoch()) {
            await this.#step(batch);
            if (signal?.aborted) return this.stop();
            if (performance.now() - this.#checkpointMs >= checkpointMinutes * 60_000)
              this.#checkpoint("same");
          }
        }
        isDone = await this.#endEpoch();
      }
      return "complete";
    } catch (error) {
      // Every step that was done is worth keeping; the one that needs the image is done when it is back.
      if (error instanceof ImageError) this.stop();
      throw error;
    }
  }

  /** Saves the run as it stands, to be resumed. */
  stop(): "interrupted" {
    this.#saveUnlessBest("interrupted");
    this.#checkpoint("same");
    return "interrupted";
  }

  /** Frees the native sessions that the loop made. */
  async release(): Promise<void> {
    await this.#teacher?.release();
  }

  async #step(batch: Batch): Promise<void> {
    const { training, loader, compiled, dropout, average, seenWords } = this.#parts;
    const startMs = performance.now();
    const { epochsDone } = this.#progress;
    const step = this.#progress.step + 1;
    const totalSteps = loader.batchesPerEpoch * training.epochs;
    const learningRate = learningRateAt(step - 1, totalSteps, training);
    const result = await compiled.run(batch, {
      step,
      learningRate,
      random: dropout,
      teacher: await this.#teacher?.predict(batch),
    });
    const { loss, gradientNorm } = result;
    if (!result.isAccepted) throw this.#diverged(result, { step, learningRate });
    average?.update(step);
    noteWords(seenWords, batch);
    const lossGuard = watchLoss(this.#progress.lossGuard, loss.total, training);
    this.#progress = {
      ...this.#progress,
      ...{ step, lossGuard, epochLoss: withLoss(this.#progress.epochLoss, loss) },
    };
    this.#report({
      ...{ kind: "step", step, epoch: epochsDone + 1, loss, gradientNorm, learningRate },
      imagesPerSecond: (2 * training.batchSize * 1000) / (performance.now() - startMs),
    });
    if (lossGuard.over >= training.lossLimitSteps) throw this.#exploded(loss.total);
  }

  /** Nothing is written before all that can fail over an image is done. @returns whether the run is complete. */
  async #endEpoch(): Promise<boolean> {
    const { model, training, data, average, writer, loader } = this.#parts;
    const { vocabulary, parts } = data;
    const trainedOn = loader.epochTriplets();
    const options = { ...this.#parts, vocabulary, validation: parts.validation, trainedOn };
    const watched = await (average ? average.during(() => watch(model, options)) : watch(model, options));
    const { step, epochsDone, best: before } = this.state;
    const epoch = epochsDone + 1;
    const recall = watched.validation && recallOf(watched.validation);
    const isBest = recall !== undefined && (before === undefined || recall > before.recall);
    const best: BestEpoch | undefined = isBest ? { epoch, step, recall } : before;
    const isLast = epoch === training.epochs;
    const isOut = training.patience > 0 && best !== undefined && epoch - best.epoch >= training.patience;
    const teacher = isLast || isOut ? undefined : await this.#nextTeacher();

    this.#reportEpoch(epoch, watched);
    this.#progress = {
      ...this.#progress,
      ...{ epochsDone: epoch, epochLoss: noLosses, epochSeconds: 0 },
      ...(best ? { best } : {}),
    };
    if (training.keep === "last" || isBest) writer.parameters(this.#values(), step);
    if (isLast || isOut) {
      this.#finish(isLast ? undefined : epoch);
      return true;
    }
    writer.manifest("training", this.state, { kept: this.#kept() });
    this.#checkpoint(teacher?.tensors ?? "none");
    return false;
  }

  #reportEpoch(epoch: number, watched: Awaited<ReturnType<typeof watch>>): void {
    const { step, epochLoss, epochSeconds, collapsedLayers: known } = this.state;
    const entropies = watched.routerEntropy ?? [];
    const collapsed = collapsedLayers(entropies, known);
    const warnings = collapsed.map((layer) => collapseWarning(layer, entropies[layer] ?? 0));
    this.#lastEpoch = {
      ...{ kind: "epoch", epoch, step, loss: meanLoss(epochLoss), ...watched },
      ...(warnings.length > 0 ? { warnings } : {}),
      seconds: epochSeconds,
    };
    this.#report(this.#lastEpoch);
    for (const text of warnings) this.#note(`warning: epoch ${epoch}: ${text}`);
    this.#progress = { ...this.#progress, collapsedLayers: [...known, ...collapsed] };
  }

  #finish(stoppedEarly: number | undefined): void {
    const { training, writer, runDir } = this.#parts;
    const { best } = this.#progress;
    const unseen = this.#unseen();
    writer.manifest("complete", this.state, {
      kept: this.#kept(),
      ...(stoppedEarly === undefined ? {} : { stoppedEarly }),
      ...(unseen ? { unseenWords: unseen } : {}),
    });
    writer.finish();
    if (stoppedEarly !== undefined) {
      this.#note(
        `stopped early: ${training.patience} epochs without a higher held-out recall than epoch ${best?.epoch}'s`,
      );
    }
    if (unseen) this.#note(describeUnseen(unseen, training));
    if (training.keep === "best") this.#note(`${runDir}: the parameters are those of epoch ${best?.epoch}`);
  }

  /** The model of now becomes the teacher. A snapshot holds all weights: the old one makes room first. */
  async #nextTeacher(): Promise<MadeTeacher | undefined> {
    const { model, training, loader, data } = this.#parts;
    if (!model.isSelfDistilled) return undefined;
    const old = this.#teacher;
    if (training.teacher === "snapshot") await old?.release();
    const made = await makeTeacher(model, loader.epochTriplets(), {
      ...this.#parts,
      vocabulary: data.vocabulary,
    });
    this.#teacher = made.teacher;
    return made;
  }

  #checkpoint(teacher: ReadonlyMap<string, Tensor> | "none" | "same"): void {
    const { writer, compiled } = this.#parts;
    writer.checkpoint(this.state, tensorsOf({ ...this.#parts, moments: compiled.moments }), teacher);
    this.#checkpointMs = performance.now();
  }

  /** What is kept as the run's parameters: the weight average, or the model's values of now. */
  #values(): ReadonlyMap<string, Tensor> {
    return this.#parts.average?.tensors() ?? valuesOf(this.#parts.model);
  }

  /** In the middle of an epoch: the values of now, unless the best epoch's are to be kept. */
  #saveUnlessBest(status: RunManifest["status"]): void {
    const { training, writer } = this.#parts;
    const { step, best } = this.#progress;
    if (training.keep === "last" || best === undefined) writer.parameters(this.#values(), step);
    writer.manifest(status, this.state, { kept: this.#kept() });
  }

  #kept(): NonNullable<RunManifest["kept"]> {
    const { training, data } = this.#parts;
    const { step, epochsDone, best } = this.#progress;
    const isBestKept = training.keep === "best" && best !== undefined;
    const { validation } = data.parts;
    const count = validation?.triplets.length ?? 0;
    return {
      rule: training.keep,
      epoch: isBestKept ? best.epoch : epochsDone,
      step: isBestKept ? best.step : step,
      weightAverage: training.weightAverage,
      chosenOn: isBestKept
        ? `${count} triplets held out of the train split by ${training.holdOutBy}: mean of R@1, R@10 and R@50`
        : "nothing: the last parameters",
      ...(best ? { heldOutRecall: best.recall } : {}),
    };
  }

  #unseen(): RunManifest["unseenWords"] {
    const { compiled, training, seenWords, data } = this.#parts;
    return compiled.readsText && training.wordRate > 0 ? unseenWords(seenWords, data.vocabulary) : undefined;
  }

  #diverged(
    { loss, gradientNorm }: StepResult,
    { step, learningRate }: { readonly step: number; readonly learningRate: number },
  ): DivergenceError {
    const { model, compiled, runDir } = this.#parts;
    this.#saveUnlessBest("diverged");
    const where = describeNotFinite(loss, compiled.notFinite, model.namedParameters());
    return new DivergenceError(
      `step ${step} (epoch ${this.#progress.epochsDone + 1}): loss or gradients are not finite: ${where}; ` +
        `got loss ${loss.total}, gradient norm ${gradientNorm}; the parameters of step ${step - 1} are in ${runDir}; ` +
        `try a lower learningRate (now ${learningRate}) or set gradientClip`,
    );
  }

  #exploded(loss: number): DivergenceError {
    const { training, writer, runDir } = this.#parts;
    const { step, epochsDone, lossGuard } = this.#progress;
    writer.manifest("diverged", this.state);
    const ceiling = lossCeiling(lossGuard, training);
    return new DivergenceError(
      `step ${step} (epoch ${epochsDone + 1}): the loss was above ${ceiling.toFixed(3)}, lossLimit (${training.lossLimit}) times its ` +
        `running mean, for ${lossGuard.over} steps on end; got ${loss.toFixed(3)}; ` +
        `the last checkpoint, of step ${writer.checkpointStep ?? 0}, is in ${runDir}; ` +
        "try a lower learningRate, a longer warm-up or gradientClip, or raise lossLimit",
    );
  }

  #report(metrics: Metrics): void {
    this.#parts.writer.metrics(metrics);
    this.#parts.onEvent(metrics);
  }

  #note(text: string): void {
    this.#parts.onEvent({ kind: "note", text });
  }
}
