/** Trains a model on a data set and writes a run folder. */

import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { join, resolve } from "node:path";
import { BatchLoader } from "../data/batch-loader.js";
import type { DiskCacheOptions } from "../data/disk-cache.js";
import { ImageThread } from "../data/image-thread.js";
import { describeDrops } from "../data/missing-images.js";
import type { RetrievalDataset } from "../data/triplet.js";
import { createModel } from "../models/registry.js";
import { FrozenBackbone } from "../retrieval/frozen-backbone.js";
import type { SessionOptions } from "../runtime/session.js";
import { Random } from "../tensor/random.js";
import { writeSafetensors } from "../weights/safetensors.js";
import { defaultFeatureCache, prepareFeatures } from "./frozen-features.js";
import { type InitialWeights, loadInitialWeights } from "./initial-weights.js";
import type { EpochMetrics, Metrics } from "./metrics.js";
import { projectCommit } from "./project-version.js";
import type { RunConfig } from "./run-config.js";
import { createRunFolder, type RunManifest, runFiles, writeAtomically, writeManifest } from "./run-files.js";
import type { TrainEvent } from "./train-event.js";
import { prepareTrainingData, type TrainingData } from "./training-data.js";
import { TrainingLoop } from "./training-loop.js";
import { initialState } from "./training-state.js";
import { TrainingStep } from "./training-step.js";

export type { TrainEvent } from "./train-event.js";

export interface TrainOptions {
  readonly dataset: RetrievalDataset;
  readonly config: RunConfig;
  /** A new or empty folder. */
  readonly runDir: string;
  /** Files to start from in place of random values. */
  readonly initial?: InitialWeights;
  /** Ends training after the step under way; the run is saved. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TrainEvent) => void;
  /** Where resized images are kept for later runs; nowhere by default. */
  readonly imageCache?: DiskCacheOptions | undefined;
  /** Where a frozen backbone's feature maps lie; runs may share it. `.cache/features` by default. */
  readonly featureCacheDir?: string;
  /** How graphs run; every core by default. */
  readonly session?: SessionOptions;
}

export interface TrainSummary {
  readonly status: "complete" | "interrupted";
  readonly steps: number;
  readonly seconds: number;
  /** The last epoch's metrics, when one was finished. */
  readonly lastEpoch: EpochMetrics | undefined;
}

/**
 * Trains from random initial values, or from those of `initial`. Images are looked at first: what needs a missing or
 * broken one is dropped and listed. Parameters are saved after every epoch, when interrupted, and when training diverges
 * (then the last good ones).
 * @throws DivergenceError when loss or gradients are not finite; DatasetError for the data; WeightsError,
 * StateDictError for the files of `initial`; ImageError for an image that broke after it was looked at; the signal's
 * reason when it is aborted while images are looked at.
 */
export async function train(options: TrainOptions): Promise<TrainSummary> {
  const { dataset, config, imageCache } = options;
  const { resizePx, imageFit } = config.training;
  const images = new ImageThread((id) => dataset.imagePath(id), {
    sizePx: resizePx,
    fit: imageFit,
    disk: imageCache,
  });
  try {
    return await trainOn(images, options);
  } finally {
    await images.close();
  }
}

async function trainOn(
  images: ImageThread,
  {
    dataset,
    config,
    runDir,
    initial = {},
    signal,
    onEvent = () => undefined,
    featureCacheDir = defaultFeatureCache,
    session = {},
  }: TrainOptions,
): Promise<TrainSummary> {
  const [startMs, startedAt] = [performance.now(), new Date().toISOString()];
  const { training } = config;
  const random = new Random(training.seed);
  createRunFolder(runDir);
  const data = await prepareTrainingData(dataset, images, { config: training, random, signal, onEvent });
  writeData(runDir, data, onEvent);
  const { parts, texts, vocabulary } = data;
  const model = createModel(config.model, config.modelConfig, {
    vocabularySize: vocabulary.size,
    random: random.fork("model"),
  });
  const initialWeights = await loadInitialWeights(model, initial, {
    vocabulary,
    texts,
    random: new Random(training.seed).fork("word-vectors"),
    // A frozen backbone keeps them anyway.
    backboneStatistics: training.freezeBackbone ? "frozen" : config.modelConfig.backboneStatistics,
    note: (text) => onEvent({ kind: "note", text }),
  });
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
  const dropout = random.fork("dropout");
  const manifest: Omit<RunManifest, "status" | "step" | "seconds"> = {
    format: 1,
    commit: projectCommit(),
    dataset: { name: dataset.name, root: dataset.root },
    ...(features ? { featureCache: resolve(featureCacheDir) } : {}),
    ...(initialWeights ? { initialWeights } : {}),
    config: config.fields,
    startedAt,
  };
  const log = createWriteStream(join(runDir, runFiles.metrics), { flags: "a" });
  const compiled = await TrainingStep.compile(
    model,
    { training, ...(features ? { featureMapShape: features.shape, featureMapType: "float16" } : {}) },
    session,
  );
  const save = (status: RunManifest["status"], { state: { step, seconds } }: TrainingLoop) => {
    writeSafetensors(join(runDir, runFiles.parameters), model.stateDict(), {
      model: config.model,
      step: String(step),
    });
    writeManifest(runDir, { ...manifest, status, step, seconds });
  };
  const report = (metrics: Metrics) => {
    log.write(`${JSON.stringify(metrics)}\n`);
    onEvent(metrics);
  };
  onEvent({
    kind: "start",
    totalSteps: loader.batchesPerEpoch * training.epochs,
    stepsPerEpoch: loader.batchesPerEpoch,
    triplets: parts.training.epochTripletCount,
    heldOut: parts.validation?.triplets.length ?? 0,
    vocabulary: vocabulary.size,
    parameters: model.parameters().reduce((count, { data }) => count + data.length, 0),
  });
  const loop = new TrainingLoop(
    {
      ...{ model, training, compiled, loader, dropout, data, images, features, session, signal },
      ...{ report, save, runDir, startMs },
    },
    initialState({ loader: loader.state(), dropout: dropout.state() }),
  );
  const summary = (status: TrainSummary["status"]): TrainSummary => {
    const { step: steps, seconds } = loop.state;
    return { status, steps, seconds, lastEpoch: loop.lastEpoch };
  };
  try {
    if (features) {
      await prepareFeatures(features, { parts, config: training, signal, onEvent });
      if (signal?.aborted) {
        save("interrupted", loop);
        return summary("interrupted");
      }
    }
    return summary(await loop.run());
  } finally {
    await loop.release();
    await compiled.release();
    await features?.release();
    log.end();
    await once(log, "close");
  }
}

/** Records the vocabulary, and the images that cannot be used. */
function writeData(
  runDir: string,
  { vocabulary, dropped, unusable }: TrainingData,
  onEvent: (event: TrainEvent) => void,
): void {
  vocabulary.save(join(runDir, runFiles.vocabulary));
  if (unusable.length === 0) return;
  const lines = unusable.map((image) => `${JSON.stringify(image)}\n`);
  writeAtomically(join(runDir, runFiles.droppedImages), lines.join(""));
  onEvent({ kind: "note", text: `${describeDrops(dropped)}; see ${runFiles.droppedImages}` });
}
