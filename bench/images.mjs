// Images on the way to a training step: decoded, from the disk cache, from memory; and how long a step waits for them.
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../dist/engine/tensor/random.js";
import { randomCrop, stackCrops } from "../dist/images/crops.js";
import { ImageCache } from "../dist/images/image-cache.js";
import { ImageThread } from "../dist/images/image-thread.js";
import { projectCommit } from "../dist/runs/project-version.js";

const [sizePx, cropPx] = [256, 224];
/** Batches prepared ahead, as the batch loader does. */
const prefetchCount = 2;

/** @param {{folder: string, batch: number, steps: number, stepMs: number, isJson: boolean}} options */
export async function benchImages({ folder, batch, steps, stepMs, isJson }) {
  const files = imageFiles(folder);
  const options = { folder, batch, images: files.length, sizePx, cropPx, stepMs };
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
        steps,
        stepMs,
        isWarm: name.endsWith("memory"),
      });
    }
    const result = {
      ...options,
      throughput,
      waits,
      commit: projectCommit(),
      node: process.versions.node,
      processors: availableParallelism(),
    };
    if (isJson) console.log(JSON.stringify(result));
    else print(result);
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
  if (files.length === 0) {
    console.error(`USAGE: --folder must hold JPEG, PNG or WebP files; got ${folder}`);
    process.exit(2);
  }
  return files.sort().map((file) => join(folder, file));
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function print({ images, throughput, waits, batch, stepMs }) {
  console.log(`${images} images to ${sizePx} px, crops of ${cropPx} px; images per second`);
  for (const [name, perSecond] of Object.entries(throughput))
    console.log(`  ${name.padEnd(24)}${perSecond.toFixed(0).padStart(8)}`);
  console.log(`steps of ${stepMs} ms and ${batch} pairs; milliseconds that a step waits: median, longest`);
  for (const [name, { medianMs, longestMs }] of Object.entries(waits)) {
    console.log(`  ${name.padEnd(24)}${medianMs.toFixed(1).padStart(8)}${longestMs.toFixed(1).padStart(8)}`);
  }
}
