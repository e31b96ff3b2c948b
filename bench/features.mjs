// Training from a frozen backbone's cached feature maps beside training end to end, on the images of a data set.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { option } from "../dist/cli/flags/option.js";
import { text } from "../dist/cli/flags/option-types.js";
import { BatchLoader } from "../dist/data/batches/batch-loader.js";
import { openFashionIq } from "../dist/data/datasets/fashion-iq.js";
import { FrozenBackbone } from "../dist/embedding/frozen-backbone.js";
import { Random } from "../dist/engine/tensor/random.js";
import { ImageCache } from "../dist/images/image-cache.js";
import { createModel } from "../dist/models/registry.js";
import { readSafetensors } from "../dist/tensor-files/safetensors.js";
import { Vocabulary } from "../dist/text/vocabulary.js";
import { Teacher } from "../dist/training/teacher.js";
import { TrainingStep } from "../dist/training/training-step.js";
import { batchOption, countOption, widthOption } from "./shared-options.mjs";
import { median } from "./statistics.mjs";

/** End to end, 32 triplets of 224 px take more than 16 GB: that side runs smaller batches. */
const endToEndBatch = 8;
const [maxWords, imagePx, resizePx] = [30, 224, 256];

export const features = {
  summary: "training from cached feature maps",
  description: `A frozen ResNet-50's feature maps of a data set in FashionIQ's layout, then training steps from them beside steps end to end. A map
is 0.2 MB.`,
  options: [
    option("--data <dir>", "the data set", text, { required: true }),
    batchOption,
    countOption("--steps <n>", "counted steps of each, after one that is not", 5),
    widthOption,
    option("--cache <dir>", "where maps are kept", text, { otherwise: "a temporary folder" }),
    option("--weights <file>", "the backbone's weights (safetensors)", text, {
      otherwise: "random ones, which take as long",
    }),
  ],
  examples: ["features --data data/fashioniq --batch 32 --steps 20"],
  run: runFeatures,
};

async function runFeatures({ data, weights, cache, width: embedDim, batch, steps }, say) {
  const dataset = openFashionIq(data);
  const split = dataset.split("train");
  const vocabulary = Vocabulary.fromTexts(split.triplets.flatMap(({ captions }) => captions));
  const model = newModel({ embedDim, weights, vocabulary });
  const imagePath = (id) => dataset.imagePath(id);
  const newImages = () => new ImageCache(imagePath, { sizePx: resizePx });
  const cacheDir = cache ?? mkdtempSync(join(tmpdir(), "features-"));
  try {
    const maps = await FrozenBackbone.open(model, {
      images: newImages(),
      imagePath,
      imagePx,
      imageFit: "squash",
      cacheDir,
    });
    const ids = [...new Set(split.triplets.flatMap(({ reference, target }) => [reference, target]))];
    const computed = await measureMaps(maps, ids, batch);
    say(describeMaps(computed));
    const common = { model, split, vocabulary, images: newImages() };
    const frozen = await startTraining({ ...common, batchSize: batch, featureMaps: maps });
    const whole = await startTraining({ ...common, batchSize: endToEndBatch });
    for (let i = 0; i < steps; i += 1) {
      for (const side of [frozen, whole]) await side.step();
      say(`step ${i + 1} of ${steps}: frozen ${frozen.last()}, end to end ${whole.last()}`);
    }
    await maps.release();
    const [ours, peer] = [frozen.summary(), whole.summary()];
    const result = {
      ...computed,
      triplets: split.triplets.length,
      /** Seconds of an epoch are extrapolated from the median step, on both sides. */
      frozen: ours,
      endToEnd: peer,
      ratio: peer.epochSeconds / ours.epochSeconds,
    };
    say(
      `an epoch of ${result.triplets} triplets: frozen ${ours.epochSeconds.toFixed(0)} s (${ours.waitMs.toFixed(1)} ms a step waiting for maps), end to end ${peer.epochSeconds.toFixed(0)} s, ratio ${result.ratio.toFixed(1)}`,
    );
    return result;
  } finally {
    if (cache === undefined) rmSync(cacheDir, { recursive: true });
  }
}

function newModel({ embedDim, weights, vocabulary }) {
  const surroundings = { vocabularySize: vocabulary.size, random: new Random(1), imagePx: 224 };
  const model = createModel("sdfn", { embedDim, backboneStatistics: "frozen" }, surroundings);
  if (weights !== undefined) model.image.backbone.loadWeights(readSafetensors(weights).tensors, weights);
  return model;
}

/** Computes the maps that are missing, checks all, and reads a batch of them ten times. */
async function measureMaps(maps, ids, batch) {
  const requests = ids.map((id) => ({ id, isFlipped: false }));
  const plan = await maps.plan(requests);
  const computing = await seconds(() => maps.compute(plan));
  await maps.releaseSession();
  const checkSeconds = await seconds(() => maps.plan(requests));
  const reads = [];
  for (let i = 0; i < 10; i += 1) {
    const places = Array.from({ length: 2 * batch }, (_, k) => (i * 997 + k * 61) % requests.length);
    reads.push(await seconds(() => maps.read(places.map((place) => requests[place]))));
  }
  return {
    images: ids.length,
    computeImagesPerSecond: plan.missing.length > 0 ? plan.missing.length / computing : null,
    readMs: 1000 * median(reads),
    checkSeconds,
    sizeBytes: ids.length * maps.mapBytes,
  };
}

function describeMaps({ images, computeImagesPerSecond, readMs, checkSeconds, sizeBytes }) {
  return (
    `${images} maps, ${(sizeBytes / 1e6).toFixed(0)} MB computed at ${computeImagesPerSecond?.toFixed(1) ?? "no"} images/s, ` +
    `all checked in ${checkSeconds.toFixed(2)} s, a batch read in ${readMs.toFixed(1)} ms`
  );
}

/** Training as the trainer does it, teacher included, step by step; the first step, which allocates, is done. */
async function startTraining({ model, split, vocabulary, images, batchSize, featureMaps }) {
  const rates = { weightDecay: 1e-6, gradientClip: 10, backboneRate: 1, wordRate: 1 };
  const training = { batchSize, imagePx, maxWords, ...rates };
  const featureMapShapes = featureMaps?.shapes;
  const compiled = await TrainingStep.compile(model, { training, featureMapShapes });
  const teacher = await Teacher.snapshot(model, { imagePx, maxWords, featureMapShapes });
  const random = new Random(2);
  const options = { random, batchSize, maxWords, cropPx: imagePx, featureMaps };
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

async function seconds(work) {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
