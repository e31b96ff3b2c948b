// Training from a frozen backbone's cached feature maps beside training end to end, on the images of a data set.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BatchLoader } from "../dist/data/batch-loader.js";
import { openFashionIq } from "../dist/data/datasets/fashion-iq.js";
import { ImageCache } from "../dist/data/image-cache.js";
import { Vocabulary } from "../dist/data/vocabulary.js";
import { createModel } from "../dist/models/registry.js";
import { FrozenBackbone } from "../dist/retrieval/frozen-backbone.js";
import { Random } from "../dist/tensor/random.js";
import { projectCommit } from "../dist/training/project-version.js";
import { Teacher } from "../dist/training/teacher.js";
import { TrainingStep } from "../dist/training/training-step.js";
import { readSafetensors } from "../dist/weights/safetensors.js";

/** End to end, 32 triplets of 224 px take more than 16 GB: that side runs smaller batches. */
const endToEndBatch = 8;
const [maxWords, imagePx, resizePx] = [30, 224, 256];

/** @param {{data: string, weights?: string, embedDim: number, batch: number, steps: number, isJson: boolean}} options */
export async function benchFeatures({ data, weights, embedDim, batch, steps, isJson }) {
  const dataset = openFashionIq(data);
  const split = dataset.split("train");
  const vocabulary = Vocabulary.fromTexts(split.triplets.flatMap(({ captions }) => captions));
  const modelOptions = { vocabularySize: vocabulary.size, random: new Random(1) };
  const model = createModel("sdfn", { embedDim, backboneStatistics: "frozen" }, modelOptions);
  if (weights !== undefined) {
    const { tensors } = readSafetensors(weights);
    model.image.backbone.loadStateDict(new Map([...tensors].filter(([name]) => !name.startsWith("fc."))));
  }
  const newImages = () => new ImageCache((id) => dataset.imagePath(id), { sizePx: resizePx });
  const cacheDir = mkdtempSync(join(tmpdir(), "features-"));
  const tell = (text) => isJson || console.log(text);
  try {
    const features = await FrozenBackbone.open(model, {
      images: newImages(),
      imagePath: (id) => dataset.imagePath(id),
      imagePx,
      imageFit: "squash",
      cacheDir,
    });
    const ids = [...new Set(split.triplets.flatMap(({ reference, target }) => [reference, target]))];
    const requests = ids.map((id) => ({ id, isFlipped: false }));
    const plan = await features.plan(requests);
    const computing = await seconds(() => features.compute(plan));
    await features.releaseSession();
    const checking = await seconds(() => features.plan(requests));
    tell(
      `${ids.length} maps, ${(plan.sizeBytes / 1e6).toFixed(0)} MB: computed at ${(ids.length / computing).toFixed(1)} images/s, checked in ${checking.toFixed(2)} s`,
    );
    const common = { model, split, vocabulary, images: newImages(), steps };
    const frozen = await timeSteps({ ...common, batchSize: batch, features });
    tell(
      `frozen: ${frozen.secondsPerStep.toFixed(3)} s a step of ${batch}, ${frozen.waitMs.toFixed(1)} ms of it waiting`,
    );
    await features.release();
    const whole = await timeSteps({ ...common, steps: Math.min(steps, 4), batchSize: endToEndBatch });
    tell(`end to end: ${whole.secondsPerStep.toFixed(3)} s a step of ${endToEndBatch}`);
    const perEpoch = ({ secondsPerStep }, size) => (secondsPerStep * split.triplets.length) / size;
    const result = {
      images: ids.length,
      triplets: split.triplets.length,
      embedDim,
      computeImagesPerSecond: ids.length / computing,
      computeSeconds: computing,
      checkSeconds: checking,
      sizeBytes: plan.sizeBytes,
      frozen: { ...frozen, batch, epochSeconds: perEpoch(frozen, batch) },
      /** Seconds of an epoch are extrapolated from the steps, on both sides. */
      endToEnd: { ...whole, batch: endToEndBatch, epochSeconds: perEpoch(whole, endToEndBatch) },
      ratio: perEpoch(whole, endToEndBatch) / perEpoch(frozen, batch),
      commit: projectCommit(),
    };
    tell(`ratio: ${result.ratio.toFixed(1)} (seconds of an epoch, end to end over frozen)`);
    console.log(JSON.stringify(result));
  } finally {
    rmSync(cacheDir, { recursive: true });
  }
}

/** Means over steps as the trainer runs them, teacher included, after two that are not counted. */
async function timeSteps({ model, split, vocabulary, images, steps, batchSize, features }) {
  const rates = { weightDecay: 1e-6, gradientClip: 10, backboneRate: 1, wordRate: 1 };
  const training = { batchSize, imagePx, maxWords, ...rates };
  const featureMapShape = features?.shape;
  const step = await TrainingStep.compile(model, {
    training,
    ...(features ? { featureMapShape, featureMapType: "float16" } : {}),
  });
  const teacher = await Teacher.snapshot(model, { imagePx, maxWords, featureMapShape });
  const random = new Random(2);
  const loader = new BatchLoader(split, images, vocabulary, {
    random,
    batchSize,
    maxWords,
    cropPx: imagePx,
    featureMaps: features,
  });
  let [count, start, waited, asked] = [0, 0, 0, performance.now()];
  for await (const batch of loader.epoch()) {
    if (count === 2) [start, waited] = [performance.now(), 0];
    else waited += performance.now() - asked;
    count += 1;
    const logits = await teacher.predict(batch);
    await step.run(batch, { step: count, learningRate: 1e-4, random, teacher: logits });
    if (count === steps + 2) break;
    asked = performance.now();
  }
  const counted = count - 2;
  const secondsPerStep = (performance.now() - start) / 1000 / counted;
  await teacher.release();
  await step.release();
  return { secondsPerStep, waitMs: waited / counted, steps: counted };
}

async function seconds(work) {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
