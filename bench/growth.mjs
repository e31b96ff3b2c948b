// Memory and time of a training step, and how they grow: one axis at a time, every point a process of its own.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { freemem } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Points of each axis in growing order, by memory. */
const axes = {
  batch: [2, 4, 8, 16, 32].map((batch) => ({ batch })),
  micro: [16, 32, 64].map((batch) => ({ batch, microBatch: 8 })),
  image: [128, 192, 224, 320].map((imagePx) => ({ batch: 4, imagePx })),
  "frozen-batch": [8, 16, 32, 64, 128].map((batch) => ({ batch, isFrozen: true })),
  "frozen-micro": [32, 64, 128, 256].map((batch) => ({ batch, isFrozen: true, microBatch: 16 })),
  regions: [128, 224, 320, 448].map((imagePx) => ({ batch: 8, imagePx, isFrozen: true })),
  vocabulary: [1000, 5000, 20_000, 80_000].map((vocabularySize) => ({
    batch: 8,
    vocabularySize,
    isFrozen: true,
  })),
};

export const growthAxes = Object.keys(axes);

/** Part of the free memory that a point may take: the machine stays usable, and nothing is killed. */
const usablePart = 0.8;

/** @param {{axis?: string, steps: number, isJson: boolean}} options */
export async function benchGrowth({ axis, steps, isJson }) {
  const results = [];
  for (const [name, points] of Object.entries(axes)) {
    if (axis !== undefined && axis !== name) continue;
    if (!isJson) console.log(`\n${name}\n\n${tableHead}`);
    const measured = [];
    for (const point of points) {
      const expectedMb = extrapolated(measured, point);
      const availableMb = availableMemoryMb() * usablePart;
      const result =
        expectedMb > availableMb
          ? { ...point, axis: name, skipped: true, expectedMb, availableMb }
          : { ...point, axis: name, ...(await measure({ ...point, steps })) };
      if (!result.skipped) measured.push(result);
      results.push(result);
      if (!isJson) console.log(row(result));
    }
  }
  if (isJson) console.log(JSON.stringify(results));
}

async function measure(point) {
  const script = fileURLToPath(new URL("growth-point.mjs", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(point)]);
  return JSON.parse(stdout);
}

/** Memory that the next point of an axis will take: along the line through the last two. */
function extrapolated(measured, point) {
  const [a, b] = measured.slice(-2);
  if (!a || !b) return 0;
  const size = ({ batch, imagePx = 224, vocabularySize = 5000 }) => batch * imagePx ** 2 + vocabularySize;
  return b.peakMb + ((b.peakMb - a.peakMb) * (size(point) - size(b))) / (size(b) - size(a));
}

function availableMemoryMb() {
  try {
    const [, kilobytes] = /MemAvailable:\s+(\d+) kB/.exec(readFileSync("/proc/meminfo", "utf8")) ?? [];
    if (kilobytes !== undefined) return Number(kilobytes) / 1024;
  } catch {
    // not Linux
  }
  return freemem() / 2 ** 20;
}

const tableHead =
  "| triplets | in memory | pictures | vocabulary | s/step | processor s/step | peak memory, GB |\n|---|---|---|---|---|---|---|";

function row({
  batch,
  microBatch,
  imagePx = 224,
  isFrozen,
  vocabularySize = 5000,
  seconds,
  cpuSeconds,
  peakMb,
  ...rest
}) {
  const side = Math.ceil(imagePx / 32);
  const pictures = isFrozen ? `maps of ${side * side} regions` : `${imagePx} px, ${side * side} regions`;
  const what = [batch, microBatch ?? batch, pictures, vocabularySize];
  const numbers = rest.skipped
    ? [
        "",
        "",
        `not run: about ${(rest.expectedMb / 1024).toFixed(1)}, ${(rest.availableMb / 1024).toFixed(1)} to be had`,
      ]
    : [seconds.toFixed(2), cpuSeconds.toFixed(1), (peakMb / 1024).toFixed(2)];
  return `| ${[...what, ...numbers].join(" | ")} |`;
}
