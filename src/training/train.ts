/** Trains a model on a data set and writes a run folder, or goes on with one. */
import { join, resolve } from "node:path";
import { BatchLoader } from "../data/batches/batch-loader.js";
import { oneCategory } from "../data/one-category.js";
import { describeDrops } from "../data/presence/missing-images.js";
import type { RetrievalDataset } from "../data/triplet.js";
import { FrozenBackbone } from "../embedding/frozen-backbone.js";
import type { SessionOptions } from "../engine/runtime/session.js";
import { Random } from "../engine/tensor/random.js";
import { EnvironmentError, ImageError, RunError } from "../errors.js";
import type { DiskCacheOptions } from "../files/disk-cache.js";
import { writeDurably } from "../files/durable-file.js";
import { claimLock } from "../files/folder-lock.js";
import { defaultImageBudgetBytes } from "../images/image-cache.js";
import { ImageThread } from "../images/image-thread.js";
import { createModel, modelFileOf } from "../models/registry.js";
import type { EpochMetrics } from "../runs/metrics.js";
import { projectCommit } from "../runs/project-version.js";
import { type RunConfig, resolveRunConfig } from "../runs/run-config.js";
import {
  createRunFolder,
  type RunManifest,
  readManifest,
  runFiles,
  writePhrases,
} from "../runs/run-files.js";
import { requireModelFile } from "../runs/run-model.js";
import { frequentPhrases } from "../text/phrases.js";
import {
  type CheckpointChoice,
  CheckpointStore,
  type OpenedCheckpoint,
  openCheckpoint,
} from "./checkpoint-store.js";
import { fingerprintOf, requireSameConfig, requireSameData } from "./data-fingerprint.js";
import { defaultFeatureCache, prepareFeatures } from "./frozen-features.js";
import { type InitialWeights, loadInitialWeights } from "./initial-weights.js";
import { restoreTeacher } from "./make-teacher.js";
import { availableMemoryBytes, type MemoryNeeds, peakMemoryBytes, requireMemory } from "./memory-estimate.js";
import { MetricsLog } from "./metrics-log.js";
import { RunWriter } from "./run-writer.js";
import type { TrainEvent } from "./train-event.js";
import { prepareTrainingData, type TrainingData } from "./training-data.js";
import { TrainingLoop } from "./training-loop.js";
import { initialState } from "./training-state.js";
import { TrainingStep } from "./training-step.js";
import { restoreTensors } from "./training-tensors.js";
import { WeightAverage } from "./weight-average.js";

export type { TrainEvent } from "./train-event.js";

/** Minutes between checkpoints in the middle of an epoch. */
export const defaultCheckpointMinutes = 10;

/** What a new run and one that is gone on with have in common. */
interface WorkOptions {
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
  readonly availableBytes?: number;
  /** How graphs run; every core by default. */
  readonly session?: SessionOptions;
}

export interface TrainOptions extends WorkOptions {
  readonly config: RunConfig;
  /** Files to start from in place of random values. */
  readonly initial?: InitialWeights;
}

export interface ResumeOptions extends WorkOptions {
  /** What the run's configuration is thought to be; refused when it is another. The run's own by default. */
  readonly config?: RunConfig;
  /** Go on from the last checkpoint, or from the one before it. */
  readonly checkpoint?: CheckpointChoice;
}

export interface TrainSummary {
  readonly status: "complete" | "interrupted";
  readonly steps: number;
  readonly seconds: number;
  /** The last epoch's metrics, when one was finished. */
  readonly lastEpoch: EpochMetrics | undefined;
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
  return withRun(options, options.config, (images) => work(images, options, undefined));
}

/**
 * Goes on with a run that was stopped, from a checkpoint, bit for bit as if it had never been; a complete run is left as
 * it is. `metrics.jsonl` is cut back to the checkpoint.
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
    const saved = openCheckpoint(runDir, choice);
    requireSameConfig(runDir, saved.content.config, config.fields);
    return work(images, { ...options, config }, { checkpoint: saved, manifest });
  });
}

/** With the folder claimed, the images at hand, and errors that say how to go on. */
async function withRun(
  { dataset, runDir, imageCache, imageBudgetBytes = defaultImageBudgetBytes }: WorkOptions,
  { training: { resizePx, imageFit } }: RunConfig,
  use: (images: ImageThread) => Promise<TrainSummary>,
): Promise<TrainSummary> {
  const lock = join(runDir, runFiles.lock);
  const busy = (owner: number) =>
    new RunError(
      `${runDir}: another process trains this run; got process ${owner}; wait for it, or remove ${lock}`,
    );
  const release = await claimLock(lock, busy);
  const images = new ImageThread((id) => dataset.imagePath(id), {
    sizePx: resizePx,
    fit: imageFit,
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

/** A run as it was left. */
interface SavedRun {
  readonly checkpoint: OpenedCheckpoint;
  readonly manifest: RunManifest;
}

async function work(
  images: ImageThread,
  options: TrainOptions,
  saved: SavedRun | undefined,
): Promise<TrainSummary> {
  const { config, runDir, initial = {}, signal, session = {} } = options;
  const { onEvent = () => undefined, checkpointMinutes = defaultCheckpointMinutes } = options;
  const { featureCacheDir = saved?.manifest.featureCache ?? defaultFeatureCache } = options;
  const { availableBytes = availableMemoryBytes(), imageBudgetBytes = defaultImageBudgetBytes } = options;
  const [startMs, startedAt] = [performance.now(), new Date().toISOString()];
  const { training } = config;
  const random = new Random(training.seed);
  const note = (text: string) => onEvent({ kind: "note", text });
  const dataset =
    training.category === "" ? options.dataset : oneCategory(options.dataset, training.category);
  const data = await prepareTrainingData(dataset, images, { config: training, random, signal, onEvent });
  const { parts, texts, vocabulary } = data;
  const fingerprint = fingerprintOf(dataset, data);
  if (saved) requireSameData(runDir, saved.checkpoint.content.data, fingerprint);
  else {
    writeData(runDir, data, note);
    // Drawn pairs have no captions before an epoch; the stream is of its own, so that nothing else is drawn differently.
    const epoch = parts.training.drawEpoch(new Random(training.seed).fork("phrases"));
    writePhrases(runDir, frequentPhrases(epoch.flatMap(({ captions }) => captions)));
  }

  const blank = (stream: Random) =>
    createModel(config.model, config.modelConfig, { vocabularySize: vocabulary.size, random: stream });
  const model = blank(random.fork("model"));
  const initialWeights = saved
    ? saved.manifest.initialWeights
    : await loadInitialWeights(model, initial, {
        vocabulary,
        texts,
        random: new Random(training.seed).fork("word-vectors"),
        // A frozen backbone keeps them anyway.
        backboneStatistics: training.freezeBackbone ? "frozen" : config.modelConfig.backboneStatistics,
        note,
      });
  const average = training.weightAverage > 0 ? new WeightAverage(model, training.weightAverage) : undefined;
  const seenWords = new Uint8Array(vocabulary.size);
  const holders = { model, average, seenWords };
  // Moments come when there is a step; the backbone must stand before its feature maps are looked for.
  if (saved) restoreTensors({ ...holders, moments: new Map() }, saved.checkpoint.tensors);
  const features = training.freezeBackbone
    ? await FrozenBackbone.open(model, {
        images,
        imagePath: (id) => dataset.imagePath(id),
        imagePx: training.imagePx,
        imageFit: training.imageFit,
        cacheDir: featureCacheDir,
        session,
      })
    : undefined;
  const loader = new BatchLoader(parts.training, images, vocabulary, {
    random: random.fork("loader"),
    batchSize: training.batchSize,
    maxWords: training.maxWords,
    cropPx: training.imagePx,
    shouldCropRandomly: training.randomCrop && !features,
    shouldFlip: training.flip,
    shouldSwapCaptions: training.swapCaptions,
    grouping: training.batchGrouping,
    featureMaps: features,
  });
  const fresh = initialState({ loader: loader.state(), dropout: random.fork("dropout").state() });
  const state = saved?.checkpoint.content.state ?? fresh;
  loader.restore(state.loader);
  let memory: MemoryNeeds = {
    graph: { resultBytes: 0, parameterBytes: 0, spareBytes: 0 },
    modelBytes: [...model.state().values()].reduce((sum, { data }) => sum + data.byteLength, 0),
    hasTeacher: model.isSelfDistilled && training.epochs > 1,
    hasAverage: average !== undefined,
    // With feature maps, pictures are looked at once and kept all the same.
    imageBytes: Math.min(imageBudgetBytes, fingerprint.images * 3 * training.resizePx ** 2),
  };
  const compiled = await TrainingStep.compile(
    model,
    { training, ...(features ? { featureMapShape: features.shape, featureMapType: "float16" } : {}) },
    {
      ...session,
      beforeCompile: (graph) => {
        memory = { ...memory, graph };
        requireMemory(peakMemoryBytes(memory), availableBytes, training);
      },
    },
  );
  if (saved) restoreTensors({ ...holders, moments: compiled.moments }, saved.checkpoint.tensors);
  const savedTeacher = saved?.checkpoint.teacher;
  const teacher =
    savedTeacher &&
    (await restoreTeacher(savedTeacher, loader.epochTriplets(), () => blank(new Random(0)), {
      ...{ images, vocabulary, features, training, session },
    }));

  const modelFile = modelFileOf(config.model);
  const commit = projectCommit();
  const log = MetricsLog.open(runDir, saved?.checkpoint.content.metricsBytes ?? 0);
  const store = new CheckpointStore(runDir, saved?.checkpoint);
  const writer = new RunWriter(
    {
      runDir,
      model: config.model,
      manifest: saved
        ? resumedManifest(saved, { at: startedAt, step: state.step, commit })
        : {
            format: 1,
            commit,
            dataset: { name: dataset.name, root: dataset.root },
            ...(features ? { featureCache: resolve(featureCacheDir) } : {}),
            ...(initialWeights ? { initialWeights } : {}),
            heldOut: {
              by: training.holdOutBy,
              triplets: parts.validation?.triplets.length ?? 0,
              leftOut: parts.leftOut,
            },
            ...(modelFile ? { modelFile } : {}),
            config: config.fields,
            startedAt,
          },
      checkpoint: { commit, config: config.fields, data: fingerprint },
    },
    log,
    store,
  );
  const loop = new TrainingLoop(
    {
      ...{ ...holders, training, compiled, loader, dropout: Random.fromState(state.dropout), data },
      ...{ images, features, session, signal, writer, onEvent, runDir, startMs, checkpointMinutes },
    },
    state,
    teacher,
  );
  for (const text of compiled.notes) onEvent({ kind: "note", text });
  onEvent({
    kind: "start",
    step: state.step,
    totalSteps: loader.batchesPerEpoch * training.epochs,
    stepsPerEpoch: loader.batchesPerEpoch,
    triplets: parts.training.epochTripletCount,
    heldOut: parts.validation?.triplets.length ?? 0,
    memory,
    memoryBytes: peakMemoryBytes(memory),
    vocabulary: vocabulary.size,
    parameters: model.parameters().reduce((count, { data }) => count + data.length, 0),
  });
  const summary = (status: TrainSummary["status"]): TrainSummary => {
    const { step: steps, seconds } = loop.state;
    return { status, steps, seconds, lastEpoch: loop.lastEpoch };
  };
  try {
    loop.begin({ isNew: !saved });
    if (features) {
      await prepareFeatures(features, { parts, config: training, signal, onEvent });
      if (signal?.aborted) return summary(loop.stop());
    }
    return summary(await loop.run());
  } catch (error) {
    throw withWayOn(error, runDir, store.step);
  } finally {
    await loop.release();
    await compiled.release();
    await features?.release();
    log.close();
  }
}

/** The manifest of a run that is taken up again. */
function resumedManifest(
  { manifest: { status: _, step: __, seconds: ___, ...manifest } }: SavedRun,
  entry: NonNullable<RunManifest["resumed"]>[number],
): Omit<RunManifest, "status" | "step" | "seconds"> {
  return { ...manifest, resumed: [...(manifest.resumed ?? []), entry] };
}

/** The same error with what was saved and how to go on, where going on can help. */
function withWayOn(error: unknown, runDir: string, step: number | undefined): unknown {
  const Kind = [ImageError, EnvironmentError].find((kind) => error instanceof kind);
  if (!Kind || !(error instanceof Error) || step === undefined) return error;
  return new Kind(
    `${error.message}\nthe run is saved up to step ${step}; when that is mended, go on with: sdfn train --resume ${runDir}`,
    { cause: error },
  );
}

/** Records the vocabulary, and the images that cannot be used. */
function writeData(
  runDir: string,
  { vocabulary, dropped, unusable }: TrainingData,
  note: (text: string) => void,
): void {
  vocabulary.save(join(runDir, runFiles.vocabulary));
  if (unusable.length === 0) return;
  writeDurably(
    join(runDir, runFiles.droppedImages),
    unusable.map((image) => `${JSON.stringify(image)}\n`),
  );
  note(`${describeDrops(dropped)}; see ${runFiles.droppedImages}`);
}
