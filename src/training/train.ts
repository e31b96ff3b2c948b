/** Trains a model on a data set and writes a run folder, or resumes a run. */
import { join } from "node:path";
import { oneCategory } from "../data/one-category.js";
import type { RetrievalDataset } from "../data/triplet.js";
import type { SessionOptions } from "../engine/runtime/session.js";
import { EnvironmentError, ImageError, RunError } from "../errors.js";
import type { DiskCacheOptions } from "../files/disk-cache.js";
import { claimLock } from "../files/folder-lock.js";
import { defaultImageBudgetBytes } from "../images/image-cache.js";
import { ImageThread } from "../images/image-thread.js";
import { createModel } from "../models/registry.js";
import { formatCount } from "../number-text.js";
import { pictureOptions, type RunConfig, resolveRunConfig } from "../runs/run-config.js";
import { createRunFolder, readManifest, runFiles } from "../runs/run-files.js";
import { requireModelFile } from "../runs/run-model.js";
import { type CheckpointChoice, openCheckpoint } from "./checkpoint-store.js";
import { requireSameConfig } from "./data-fingerprint.js";
import { defaultFeatureCache, prepareFeatures } from "./frozen-features.js";
import type { InitialWeights } from "./initial-weights.js";
import { availableMemoryBytes, peakMemoryBytes } from "./memory-estimate.js";
import { RunWriter } from "./run-writer.js";
import {
  build,
  type Compiled,
  compile,
  prepare,
  restore,
  type SavedRun,
  type TrainRequest,
} from "./stages.js";
import type { TrainEvent } from "./train-event.js";
import { TrainingLoop, type TrainSummary } from "./training-loop.js";
import { Progress } from "./training-state.js";

export type { TrainEvent } from "./train-event.js";
export type { TrainSummary } from "./training-loop.js";

/** Minutes between checkpoints in the middle of an epoch. */
export const defaultCheckpointMinutes = 10;

/** What a new run and one that is resumed have in common. */
interface SharedOptions {
  readonly dataset: RetrievalDataset;
  readonly runDir: string;
  /** Ends training after the step under way; the run is saved. */
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: (event: TrainEvent) => void;
  /** Where resized images are kept for later runs; nowhere by default. */
  readonly imageCache?: DiskCacheOptions | undefined;
  /** Memory for resized images; those past it are read or decoded each time. 1 GiB by default. */
  readonly imageBudgetBytes?: number;
  /** Where a frozen backbone's feature maps lie; runs may share it. `.cache/features` by default. */
  readonly featureCacheDir?: string;
  /** Between checkpoints, besides those at the end of every epoch; 0 is after every step. */
  readonly checkpointMinutes?: number;
  /** Training that is thought to need more memory is refused; what is free by default. */
  readonly availableBytes?: number | undefined;
  /** How graphs run; every core by default. */
  readonly session?: SessionOptions;
}

export interface TrainOptions extends SharedOptions {
  readonly config: RunConfig;
  /** Files to start from in place of random values. */
  readonly initial?: InitialWeights;
}

export interface ResumeOptions extends SharedOptions {
  /** What the run's configuration is thought to be; refused when it is another. The run's own by default. */
  readonly config?: RunConfig;
  /** Resume from the last checkpoint, or from the one before it. */
  readonly checkpoint?: CheckpointChoice;
}

/**
 * Trains from random initial values, or from those of `initial`, into a new or empty folder. Images are looked at first:
 * what needs a missing or broken one is dropped and listed. Checkpoints are written before the first step, after every
 * epoch, every `checkpointMinutes`, and when interrupted; a complete run has none.
 * @throws DivergenceError when loss or gradients are not finite, or the loss explodes; DatasetError for the data;
 * WeightsError, StateDictError for the files of `initial`; ImageError for an image that broke after it was looked at;
 * EnvironmentError when the disk is full, or the memory will not do; the signal's reason when it is aborted while images are looked at.
 * @example
 * import { openDataset, resolveRunConfig, train } from "sdfn/training";
 * const config = resolveRunConfig({
 *   file: { model: "sum", backbone: "resnet18", backboneWidth: 0.0625, embedDim: 16, wordDim: 8 },
 *   set: ["imagePx=32", "resizePx=36", "batchSize=8", "epochs=1"],
 * });
 * const { status } = await train({ dataset: openDataset("data/small"), config, runDir: "runs/new" });
 * console.log(status); // complete
 */
export async function train(options: TrainOptions): Promise<TrainSummary> {
  createRunFolder(options.runDir);
  return withRun(options, options.config, (images) => runStages(requestOf(options, images)));
}

/**
 * Resumes a run that was stopped, from a checkpoint, bit for bit as if it had never been; a complete run is left as it
 * is. `metrics.jsonl` is cut back to the checkpoint.
 * @throws RunError when there is no checkpoint, it is damaged, another process trains the run, or data or configuration
 * have changed; and as `train`.
 * @example
 * import { openDataset, resumeTraining } from "sdfn/training";
 * const { status } = await resumeTraining({ dataset: openDataset("data/small"), runDir: "runs/stopped" });
 * console.log(status); // complete
 */
export async function resumeTraining(options: ResumeOptions): Promise<TrainSummary> {
  const { runDir, checkpoint: choice = "latest" } = options;
  const manifest = readManifest(runDir);
  requireModelFile(runDir, manifest);
  const config = options.config ?? resolveRunConfig({ file: manifest.config });
  if (manifest.status === "complete") {
    requireSameConfig(runDir, manifest.config, config.fields);
    options.onEvent?.({ kind: "note", text: `${runDir}: is complete; there is nothing to resume` });
    return { status: "complete", steps: manifest.step, seconds: manifest.seconds, lastEpoch: undefined };
  }
  return withRun(options, config, async (images) => {
    const checkpoint = openCheckpoint(runDir, choice);
    requireSameConfig(runDir, checkpoint.content.config, config.fields);
    return runStages(requestOf({ ...options, config }, images, { checkpoint, manifest }));
  });
}

/** With the folder claimed, and the images at hand. */
async function withRun(
  { dataset, runDir, imageCache, imageBudgetBytes = defaultImageBudgetBytes }: SharedOptions,
  config: RunConfig,
  use: (images: ImageThread) => Promise<TrainSummary>,
): Promise<TrainSummary> {
  const lock = join(runDir, runFiles.lock);
  const busy = (owner: number) =>
    new RunError(
      `${runDir}: another process trains this run; got process ${owner}; wait for it, or remove ${lock}`,
    );
  const release = await claimLock(lock, busy);
  const images = new ImageThread((id) => dataset.imagePath(id), {
    ...pictureOptions(config),
    disk: imageCache,
    budgetBytes: imageBudgetBytes,
  });
  try {
    return await use(images);
  } finally {
    await images.close();
    await release();
  }
}

/** A training's options with every default filled in. */
export function requestOf(options: TrainOptions, images: ImageThread, saved?: SavedRun): TrainRequest {
  const { config, dataset, runDir, initial = {}, signal, session = {} } = options;
  const { model, modelConfig, training } = config;
  return {
    config,
    dataset: training.category === "" ? dataset : oneCategory(dataset, training.category),
    images,
    runDir,
    saved,
    initial,
    createModel: (surroundings) => createModel(model, modelConfig, surroundings),
    signal,
    onEvent: options.onEvent ?? (() => undefined),
    session,
    featureCacheDir: options.featureCacheDir ?? saved?.manifest.featureCache ?? defaultFeatureCache,
    imageBudgetBytes: options.imageBudgetBytes ?? defaultImageBudgetBytes,
    availableBytes: options.availableBytes ?? availableMemoryBytes(),
    checkpointMinutes: options.checkpointMinutes ?? defaultCheckpointMinutes,
    startMs: performance.now(),
  };
}

/** All of a training, from the data to the last epoch. */
async function runStages(request: TrainRequest): Promise<TrainSummary> {
  const prepared = await prepare(request);
  const built = await build(prepared);
  const restored = restore(built);
  const compiled = await compile(restored);
  return loop(compiled);
}

/** The last stage: steps and epochs, and at the end whatever holds memory or files is released. */
async function loop(run: Compiled): Promise<TrainSummary> {
  const { state, config, data, features, signal, onEvent, startMs } = run;
  const progress = new Progress(state, run, startMs);
  const writer = new RunWriter(run, progress);
  const training = new TrainingLoop(run, progress, writer);
  for (const text of notesOf(run)) onEvent({ kind: "note", text });
  onEvent(startEvent(run));
  try {
    writer.begin();
    if (features) {
      await prepareFeatures(features, { parts: data.parts, config: config.training, signal, onEvent });
      if (signal?.aborted) return training.stop();
    }
    return await training.run();
  } catch (error) {
    throw withWayOn(error, run.runDir, writer.checkpointStep);
  } finally {
    await run.teacher.release();
    await run.trainingStep.release();
    await features?.release();
    writer.close();
  }
}

/** What a user should know before the first step. */
function notesOf({ trainingStep, loader, config }: Compiled): readonly string[] {
  const { warmupSteps, epochs, learningRate } = config.training;
  const steps = loader.batchesPerEpoch * epochs;
  if (warmupSteps < steps) return trainingStep.notes;
  const text = `warmupSteps ${formatCount(warmupSteps)} is no less than the ${formatCount(steps)} steps in all: the rate never reaches learningRate ${learningRate}`;
  return [...trainingStep.notes, text];
}

function startEvent({ state, loader, config, data, memory, model }: Compiled): TrainEvent {
  const { training, validation } = data.parts;
  return {
    kind: "start",
    step: state.step,
    totalSteps: loader.batchesPerEpoch * config.training.epochs,
    stepsPerEpoch: loader.batchesPerEpoch,
    triplets: training.epochTripletCount,
    heldOut: validation?.triplets.length ?? 0,
    memory,
    memoryBytes: peakMemoryBytes(memory),
    vocabulary: data.vocabulary.size,
    parameters: model.parameters().reduce((count, parameter) => count + parameter.data.length, 0),
  };
}

/** The same error with what was saved and how to resume, where resuming can help. */
function withWayOn(error: unknown, runDir: string, step: number | undefined): unknown {
  const Kind = [ImageError, EnvironmentError].find((kind) => error instanceof kind);
  if (!Kind || !(error instanceof Error) || step === undefined) return error;
  return new Kind(
    `${error.message}\nthe run is saved up to step ${step}; when that is fixed, resume with: sdfn train --resume ${runDir}`,
    { cause: error },
  );
}
