// Training from a frozen backbone's cached feature maps beside training end to end, on the images of a data set.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BatchLoader } from "../dist/data/batches/batch-loader.js";
import { openFashionIq } from "../dist/data/datasets/fashion-iq.js";
import { FrozenBackbone } from "../dist/embedding/frozen-backbone.js";
import { Random } from "../dist/engine/tensor/random.js";
import { ImageCache } from "../dist/images/image-cache.js";
import { createModel } from "../dist/models/registry.js";
import { projectCommit } from "../dist/runs/project-version.js";
import { readSafetensors } from "../dist/tensor-files/safetensors.js";
import { Vocabulary } from "../dist/text/vocabulary.js";
import { Teacher } from "../dist/training/teacher.js";
import { TrainingStep } from "../dist/training/training-step.js";

/** End to end, 32 triplets of 224 px take more than 16 GB: that side runs smaller batches. */
const endToEndBatch = 8;
const [maxWords, imagePx, resizePx] = [30, 224, 256];

/** @param {{data: string, weights?: string, cache?: string, embedDim: number, batch: number, steps: number, isJson: boolean}} options */
export async function benchFeatures({ data, weights, cache, embedDim, batch, steps, isJson }) {
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
  const cacheDir = cache ?? mkdtempSync(join(tmpdir(), "features-"));
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
    const reads = [];
    for (let i = 0; i < 10; i += 1) {
      const some = Array.from(
        { length: 2 * batch },
        (_, k) => requests[(i * 997 + k * 61) % requests.length],
      );
      reads.push(await seconds(() => features.read(some)));
    }
    const computed = plan.missing.length > 0 ? plan.missing.length / computing : null;
    tell(
      `${ids.length} maps, ${(plan.sizeBytes / 1e6).toFixed(0)} MB computed at ${computed?.toFixed(1) ?? "no"} images/s, ` +
        `all checked in ${checking.toFixed(2)} s, a batch read in ${(1000 * median(reads)).toFixed(1)} ms`,
    );
    const common = { model, split, vocabulary, images: newImages() };
    const frozen = await startTraining({ ...common, batchSize: batch, features });
    const whole = await startTraining({ ...common, batchSize: endToEndBatch });
    for (let i = 0; i < steps; i += 1) {
      for (const side of [frozen, whole]) await side.step();
      tell(`step ${i + 1} of ${steps}: frozen ${frozen.last()}, end to end ${whole.last()}`);
    }
    await features.release();
    const [ours, peer] = [frozen.summary(), whole.summary()];
    const result = {
      images: ids.length,
      triplets: split.triplets.length,
      embedDim,
      computeImagesPerSecond: computed,
      readMs: 1000 * median(reads),
      checkSeconds: checking,
      sizeBytes: ids.length * features.mapBytes,
      /** Seconds of an epoch are extrapolated from the median step, on both sides. */
      frozen: ours,
      endToEnd: peer,
      ratio: peer.epochSeconds / ours.epochSeconds,
      commit: projectCommit(),
    };
    tell(
      `an epoch of ${split.triplets.length} triplets: frozen ${ours.epochSeconds.toFixed(0)} s (${ours.waitMs.toFixed(1)} ms a step waiting for maps), end to end ${peer.epochSeconds.toFixed(0)} s, ratio ${result.ratio.toFixed(1)}`,
    );
    console.log(JSON.stringify(result));
  } finally {
    if (cache === undefined) rmSync(cacheDir, { recursive: true });
  }
}

/** Training as the trainer does it, teacher included, step by step; the first step, which allocates, is done. */
async function startTraining({ model, split, vocabulary, images, batchSize, features }) {
  const rates = { weightDecay: 1e-6, gradientClip: 10, backboneRate: 1, wordRate: 1 };
  const training = { batchSize, imagePx, maxWords, ...rates };
  const featureMapShapes = features?.shapes;
  const compiled = await TrainingStep.compile(model, {
    training,
    featureMapShapes,
  });
  const teacher = await Teacher.snapshot(model, { imagePx, maxWords, featureMapShapes });
  const random = new Random(2);
  const options = { random, batchSize, maxWords, cropPx: imagePx, featureMaps: features };
  const batches = new BatchLoader(split, images, vocabulary, options).epoch();
  const [times, waits] = [[], []];
  let count = 0;
  const step = async () => {
    const start = performance.now();
    const { value: batch, done } = await batches.next();
    if (done) throw new Error(`the data set has too few triplets for ${count + 1} steps of ${batchSize}`);
    const waited = performance.now() - start;
    count += 1;
    const logits = await teacher.predict(batch);
    await compiled.run(batch, { step: count, learningRate: 1e-4, random, teacher: logits });
    times.push((performance.now() - start) / 1000);
    waits.push(waited);
  };
  await step();
  times.length = 0;
  waits.length = 0;
  return {
    step,
    last: () => `${times.at(-1).toFixed(2)} s`,
    summary: () => ({
      batch: batchSize,
      secondsPerStep: median(times),
      imagesPerSecond: (2 * batchSize) / median(times),
      waitMs: median(waits),
      steps: times.length,
      epochSeconds: (median(times) * split.triplets.length) / batchSize,
    }),
  };
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

async function seconds(work) {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
