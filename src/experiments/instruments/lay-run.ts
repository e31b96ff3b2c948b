/** A trained run with its data, as training had them. */
import { existsSync } from "node:fs";
import { oneCategory } from "../../data/one-category.js";
import type { RetrievalDataset } from "../../data/triplet.js";
import { FrozenBackbone } from "../../embedding/frozen-backbone.js";
import { Random } from "../../engine/tensor/random.js";
import { ImageThread } from "../../images/image-thread.js";
import { openRun, type Run } from "../../runs/open-run.js";
import { pictureOptions } from "../../runs/run-config.js";
import { defaultFeatureCache } from "../../training/frozen-features.js";
import { prepareTrainingData, type TrainingData } from "../../training/training-data.js";
import type { EvaluateRunOptions } from "../evaluate-run.js";

export interface LaidRun {
  readonly run: Run;
  /** One category of it, if the run was trained on one. */
  readonly dataset: RetrievalDataset;
  readonly images: ImageThread;
  /** A frozen backbone's. */
  readonly featureMaps: FrozenBackbone | undefined;
  /** What is trained on, and what was held out. */
  readonly data: TrainingData;
}

export type LaidRunOptions = Pick<
  EvaluateRunOptions,
  "dataset" | "runDir" | "imageCache" | "imageChecks" | "signal"
>;

/** Opens the run and looks at its training images, gives all to `use`, and frees it afterwards. */
export async function withLaidRun<Result>(
  options: LaidRunOptions,
  use: (laid: LaidRun) => Promise<Result>,
): Promise<Result> {
  const run = openRun(options.runDir);
  const { training } = run.config;
  const { category } = training;
  const dataset = category === "" ? options.dataset : oneCategory(options.dataset, category);
  const images = new ImageThread((id) => dataset.imagePath(id), {
    ...pictureOptions(run.config),
    disk: options.imageCache,
  });
  let featureMaps: FrozenBackbone | undefined;
  try {
    const data = await trainingDataOf(run, { ...options, dataset }, images);
    featureMaps = training.freezeBackbone ? await openFeatures(run, dataset, images) : undefined;
    return await use({ run, dataset, images, featureMaps, data });
  } finally {
    await featureMaps?.release();
    await images.close();
  }
}

/** As training drew it: the first stream of the run's seed says what is held out. */
async function trainingDataOf(
  { config: { training } }: Run,
  { dataset, imageChecks, signal }: LaidRunOptions,
  images: ImageThread,
): Promise<TrainingData> {
  try {
    return await prepareTrainingData(dataset, images, {
      config: training,
      random: new Random(training.seed).fork("hold-out"),
      signal,
      onEvent: (event) => {
        if (event.kind === "images") imageChecks?.progress(event.done, event.total);
      },
    });
  } finally {
    imageChecks?.end();
  }
}

function openFeatures(
  { model, config: { training }, manifest: { featureCache } }: Run,
  dataset: RetrievalDataset,
  images: ImageThread,
): Promise<FrozenBackbone> {
  const isThere = featureCache !== undefined && existsSync(featureCache);
  const { imagePx, imageFit } = training;
  const cacheDir = isThere ? featureCache : defaultFeatureCache;
  const imagePath = (id: string) => dataset.imagePath(id);
  return FrozenBackbone.open(model, { images, imagePath, imagePx, imageFit, cacheDir });
}
