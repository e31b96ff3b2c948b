// Images on the way to a training step: decoded, from the disk cache, from memory; and how long a step waits for them.
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../dist/engine/tensor/random.js";
import { UsageError } from "../dist/errors.js";
import { randomCrop, stackCrops } from "../dist/images/crops.js";
import { ImageCache } from "../dist/images/image-cache.js";
import { ImageThread } from "../dist/images/image-thread.js";
import { batchOption, countOption, neededFolder } from "./shared-options.mjs";
import { median } from "./statistics.mjs";

const [sizePx, cropPx] = [256, 224];
/** Batches prepared ahead, as the batch loader does. */
const prefetchCount = 2;

export const images = {
  summary: "images a second, and how long steps wait",
  description: `Images per second to 256 px with crops of 224 px, decoded, from the disk cache and from memory; and how long steps wait for their
batches.`,
  options: [
    neededFolder("JPEG, PNG and WebP files, folders inside included"),
    batchOption,
    countOption("--steps <n>", "counted steps, after one that is not", 5),
    countOption("--step-ms <n>", "how long a step occupies the main thread", 500),
  ],
  examples: ["images --folder data/photos --batch 32 --steps 20"],
  run: runImages,
};

async function runImages({ folder, batch, steps, stepMs }, say) {
  const files = imageFiles(folder);
  const cacheFolder = mkdtempSync(join(tmpdir(), "sdfn-bench-images-"));
  try {
    const throughput = await measureThroughput(files, cacheFolder);
    const waits = {};
    for (const [name, open] of Object.entries({
      "same thread, decoded": () => new ImageCache(pathOf, { sizePx, budgetBytes: 0 }),
      "own thread, decoded": () => new ImageThread(pathOf, { sizePx, budgetBytes: 0 }),
      "own thread, disk cache": () =>
        new ImageThread(pathOf, { sizePx, budgetBytes: 0, disk: { folder: cacheFolder } }),
      "same thread, memory": () => new ImageCache(pathOf, { sizePx }),
      "own thread, memory": () => new ImageThread(pathOf, { sizePx }),
    })) {
      waits[name] = await measureWaits(open(), files, {
        batch,
        steps: steps + 1,
        stepMs,
        isWarm: name.endsWith("memory"),
      });
    }
    const result = { images: files.length, sizePx, cropPx, throughput, waits };
    say(describe(result, { batch, stepMs }));
    return result;
  } finally {
    rmSync(cacheFolder, { recursive: true, force: true });
  }
}

const pathOf = (file) => file;

/** Images per second of the whole folder, on an image thread as training uses it. */
async function measureThroughput(files, cacheFolder) {
  const disk = { folder: cacheFolder };
  const memory = new ImageThread(pathOf, { sizePx });
  const result = {
    decoded: await rate(new ImageThread(pathOf, { sizePx, budgetBytes: 0 }), files),
    decodedAndWritten: await rate(new ImageThread(pathOf, { sizePx, budgetBytes: 0, disk }), files),
    fromDisk: await rate(new ImageThread(pathOf, { sizePx, budgetBytes: 0, disk }), files),
  };
  await rate(memory, files, { isKept: true });
  return { ...result, fromMemory: await rate(memory, files) };
}

/** Asks for every image once, in batches of 64 crops, a few at a time. */
async function rate(thread, files, { isKept = false } = {}) {
  await thread.statistics(); // the thread is up
  const random = new Random(1);
  const startMs = performance.now();
  const underWay = [];
  for (let start = 0; start < files.length; start += 64) {
    underWay.push(stackBatch(thread, files.slice(start, start + 64), random));
    if (underWay.length > prefetchCount) await underWay.shift();
  }
  await Promise.all(underWay);
  const perSecond = (files.length * 1000) / (performance.now() - startMs);
  if (!isKept) await thread.close();
  return perSecond;
}

function stackBatch(images, ids, random) {
  const crops = ids.map(() => ({ ...randomCrop(sizePx, cropPx, random), isFlipped: random.chance(0.5) }));
  return stackCrops(images, ids, { crops, cropPx });
}

/**
 * Steps that occupy this thread for `stepMs`, as ONNX Runtime does, each of which needs a batch of pairs: median and
 * longest time from the end of a step to having the next batch, in milliseconds.
 */
async function measureWaits(images, files, { batch, steps, stepMs, isWarm }) {
  const random = new Random(1);
  const idsOf = (step) =>
    Array.from({ length: 2 * batch }, (_, i) => files[(step * 2 * batch + i) % files.length]);
  if (isWarm) for (let step = 0; step < steps; step += 1) await stackBatch(images, idsOf(step), random);
  const queue = [];
  const waits = [];
  let next = 0;
  for (let step = 0; step < steps; step += 1) {
    const startMs = performance.now();
    for (; next <= step + prefetchCount && next < steps; next += 1)
      queue.push(stackBatch(images, idsOf(next), random));
    await queue.shift();
    waits.push(performance.now() - startMs);
    busy(stepMs);
  }
  await images.close?.();
  waits.shift(); // the first step waits for its batch whatever is done
  return { medianMs: median(waits), longestMs: Math.max(...waits) };
}

/** Nothing else happens on this thread; the cores are free. */
function busy(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function imageFiles(folder) {
  const files = existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
        /\.(jpe?g|png|webp)$/i.test(file),
      )
    : [];
  if (files.length === 0)
    throw new UsageError(`images: --folder must hold JPEG, PNG or WebP files; got ${folder}`);
  return files.sort().map((file) => join(folder, file));
}

function describe({ images, throughput, waits }, { batch, stepMs }) {
  const cell = (value, digits) => value.toFixed(digits).padStart(8);
  return [
    `${images} images to ${sizePx} px, crops of ${cropPx} px; images per second`,
    ...Object.entries(throughput).map(([name, perSecond]) => `  ${name.padEnd(24)}${cell(perSecond, 0)}`),
    `steps of ${stepMs} ms and ${batch} pairs; milliseconds that a step waits: median, longest`,
    ...Object.entries(waits).map(
      ([name, { medianMs, longestMs }]) => `  ${name.padEnd(24)}${cell(medianMs, 1)}${cell(longestMs, 1)}`,
    ),
  ].join("\n");
}
