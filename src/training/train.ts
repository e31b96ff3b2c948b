/** Trains a model on a data set and writes a run folder. */

import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { join, resolve } from "node:path";
import { BatchLoader } from "../data/batch-loader.js";
import type { DiskCacheOptions } from "../data/disk-cache.js";
import { ImageThread } from "../data/image-thread.js";
import { availableSplit, describeDrops } from "../data/missing-images.js";
import type { DatasetSplit, RetrievalDataset } from "../data/triplet.js";
import { trainingImages, withoutBroken } from "../data/usable-images.js";
import { joinCaptions, Vocabulary } from "../data/vocabulary.js";
import { DivergenceError } from "../errors.js";
import { scoreSplit } from "../evaluation/evaluate.js";
import { defaultProtocol } from "../evaluation/protocols.js";
import type { CompositionModel } from "../models/composition-model.js";
import { createModel } from "../models/registry.js";
import { FrozenBackbone } from "../retrieval/frozen-backbone.js";
import { ModelEmbedder } from "../retrieval/model-embedder.js";
import type { SessionOptions } from "../runtime/session.js";
import { Random } from "../tensor/random.js";
import { writeSafetensors } from "../weights/safetensors.js";
import { defaultFeatureCache, type FeatureProgress, prepareFeatures } from "./frozen-features.js";
import { holdOut } from "./hold-out.js";
import { type InitialWeights, loadInitialWeights } from "./initial-weights.js";
import { learningRateAt } from "./learning-rate.js";
import type { EpochMetrics, LossParts, Metrics, StepMetrics } from "./metrics.js";
import { projectCommit } from "./project-version.js";
import type { RunConfig } from "./run-config.js";
import { createRunFolder, type RunManifest, runFiles, writeAtomically, writeManifest } from "./run-files.js";
import { Teacher } from "./teacher.js";
import { TrainingStep } from "./training-step.js";

/** What happens during training, in order. */
export type TrainEvent =
  /** Images that were looked at, before anything else. */
  | { readonly kind: "images"; readonly done: number; readonly total: number }
  | {
      readonly kind: "start";
      readonly totalSteps: number;
      readonly stepsPerEpoch: number;
      readonly triplets: number;
      readonly heldOut: number;
      readonly vocabulary: number;
      readonly parameters: number;
    }
  | { readonly kind: "note"; readonly text: string }
  | FeatureProgress
  | StepMetrics
  | EpochMetrics;

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
  const startedAt = Date.now();
  const { training } = config;
  const random = new Random(training.seed);
  const { split: withFiles } = availableSplit(dataset, "train");
  createRunFolder(runDir);
  const usable = await withoutBroken(dataset, images, {
    ids: trainingImages(withFiles),
    onProgress: (done, total) => onEvent({ kind: "images", done, total }),
    onNote: (text) => onEvent({ kind: "note", text }),
    signal,
  });
  const { split, dropped, unusable } = availableSplit(usable, "train");
  if (unusable.length > 0) {
    const lines = unusable.map((image) => `${JSON.stringify(image)}\n`);
    writeAtomically(join(runDir, runFiles.droppedImages), lines.join(""));
    onEvent({ kind: "note", text: `${describeDrops(dropped)}; see ${runFiles.droppedImages}` });
  }

  const parts = holdOut(split, training.holdOut, random.fork("hold-out"));
  const texts = trainingTexts(parts.training);
  const vocabulary = Vocabulary.fromTexts(texts, { minCount: training.minWordCount });
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
  vocabulary.save(join(runDir, runFiles.vocabulary));
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
  const dropoutRandom = random.fork("dropout");
  const totalSteps = loader.batchesPerEpoch * training.epochs;
  const manifest: Omit<RunManifest, "status" | "step" | "seconds"> = {
    format: 1,
    commit: projectCommit(),
    dataset: { name: dataset.name, root: dataset.root },
    ...(features ? { featureCache: resolve(featureCacheDir) } : {}),
    ...(initialWeights ? { initialWeights } : {}),
    config: config.fields,
    startedAt: new Date(startedAt).toISOString(),
  };
  const log = createWriteStream(join(runDir, runFiles.metrics), { flags: "a" });
  const report = (metrics: Metrics) => {
    log.write(`${JSON.stringify(metrics)}\n`);
    onEvent(metrics);
  };
  const save = (status: RunManifest["status"], step: number) => {
    writeSafetensors(join(runDir, runFiles.parameters), model.stateDict(), {
      model: config.model,
      step: String(step),
    });
    writeManifest(runDir, { ...manifest, status, step, seconds: (Date.now() - startedAt) / 1000 });
  };

  const compiled = await TrainingStep.compile(
    model,
    { training, ...(features ? { featureMapShape: features.shape, featureMapType: "float16" } : {}) },
    session,
  );
  for (const text of compiled.notes) onEvent({ kind: "note", text });
  onEvent({
    kind: "start",
    totalSteps,
    stepsPerEpoch: loader.batchesPerEpoch,
    triplets: parts.training.epochTripletCount,
    heldOut: parts.validation?.triplets.length ?? 0,
    vocabulary: vocabulary.size,
    parameters: model.parameters().reduce((count, { data }) => count + data.length, 0),
  });
  let step = 0;
  let teacher: Teacher | undefined;
  let lastEpoch: EpochMetrics | undefined;
  const interrupted = (): TrainSummary => {
    save("interrupted", step);
    return { status: "interrupted", steps: step, seconds: (Date.now() - startedAt) / 1000, lastEpoch };
  };
  try {
    if (features) {
      await prepareFeatures(features, { parts, config: training, signal, onEvent });
      if (signal?.aborted) return interrupted();
    }
    for (let epoch = 1; epoch <= training.epochs; epoch += 1) {
      const epochStart = performance.now();
      const sums = new LossSums();
      for await (const batch of loader.epoch()) {
        const stepStart = performance.now();
        const learningRate = learningRateAt(step, totalSteps, training);
        const result = await compiled.run(batch, {
          step: step + 1,
          learningRate,
          random: dropoutRandom,
          teacher: await teacher?.predict(batch),
        });
        if (!result.isAccepted) {
          save("diverged", step);
          throw new DivergenceError(
            `step ${step + 1} (epoch ${epoch}): loss or gradients are not finite; got loss ${result.loss.total}, gradient norm ${result.gradientNorm}; ` +
              `the parameters of step ${step} are in ${runDir}; try a lower learningRate (now ${learningRate}) or set gradientClip`,
          );
        }
        step += 1;
        sums.add(result.loss);
        report({
          kind: "step",
          step,
          epoch,
          loss: result.loss,
          gradientNorm: result.gradientNorm,
          learningRate,
          imagesPerSecond: (2 * training.batchSize * 1000) / (performance.now() - stepStart),
        });
        if (signal?.aborted) return interrupted();
      }
      const watched = await watch(model, {
        images,
        vocabulary,
        features,
        training,
        validation: parts.validation,
        session,
      });
      lastEpoch = {
        kind: "epoch",
        epoch,
        step,
        loss: sums.mean(),
        ...watched,
        seconds: (performance.now() - epochStart) / 1000,
      };
      report(lastEpoch);
      save(epoch === training.epochs ? "complete" : "training", step);
      if (model.auxiliaryLosses.distillation && epoch < training.epochs) {
        await teacher?.release();
        teacher = await Teacher.snapshot(model, { ...training, featureMapShape: features?.shape }, session);
      }
    }
    return { status: "complete", steps: step, seconds: (Date.now() - startedAt) / 1000, lastEpoch };
  } finally {
    await teacher?.release();
    await compiled.release();
    await features?.release();
    log.end();
    await once(log, "close");
  }
}

/** Recall and route statistics on the held-out triplets. */
async function watch(
  model: CompositionModel,
  {
    images,
    vocabulary,
    features,
    training,
    validation,
    session,
  }: {
    images: ImageThread;
    vocabulary: Vocabulary;
    features: FrozenBackbone | undefined;
    training: RunConfig["training"];
    validation: DatasetSplit | undefined;
    session: SessionOptions;
  },
): Promise<Pick<EpochMetrics, "validation" | "routerEntropy" | "routeWeights">> {
  if (!validation) return {};
  const embedder = await ModelEmbedder.compile(
    model,
    { images, vocabulary, featureMaps: features, ...training },
    session,
  );
  try {
    const { mean, perCategory } = await scoreSplit(validation, embedder, { protocol: defaultProtocol });
    const categories = Object.values(perCategory);
    const routes = await embedder.routeStatistics(
      validation.triplets.map(({ reference, captions }) => ({ reference, text: joinCaptions(captions) })),
    );
    const total = (value: (category: (typeof categories)[number]) => number) =>
      categories.reduce((sum, c) => sum + value(c), 0);
    return {
      validation: {
        r1: mean.r1,
        r10: mean.r10,
        r50: mean.r50,
        queries: total((c) => c.queries),
        gallery: total((c) => c.gallery),
      },
      ...(routes.length > 0
        ? {
            routerEntropy: routes.map(({ entropy }) => entropy),
            routeWeights: routes.map(({ weights }) => weights),
          }
        : {}),
    };
  } finally {
    await embedder.release();
  }
}

/** The texts as training encodes them. */
function trainingTexts(split: DatasetSplit): readonly string[] {
  const { triplets } = split;
  return [...(split.trainingTexts?.() ?? triplets.map(({ captions }) => joinCaptions(captions)))];
}

/** Running sums of loss parts. */
class LossSums {
  #count = 0;
  readonly #sums = { total: 0, classification: 0, distillation: 0, consistency: 0 };

  add(loss: LossParts): void {
    this.#count += 1;
    for (const part of Object.keys(this.#sums) as (keyof LossParts)[]) this.#sums[part] += loss[part];
  }

  mean(): LossParts {
    const { total, classification, distillation, consistency } = this.#sums;
    const n = Math.max(1, this.#count);
    return {
      total: total / n,
      classification: classification / n,
      distillation: distillation / n,
      consistency: consistency / n,
    };
  }
}
