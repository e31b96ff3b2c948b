// Memory and time of a training step, and how they grow: one axis at a time, every point a process of its own.
import { option } from "../dist/cli/flags/option.js";
import { choice } from "../dist/cli/flags/option-types.js";
import { measure, megabytes } from "./points.mjs";
import { countOption, resumeOption, tinyOption } from "./shared-options.mjs";

/** Points of each axis. Where nothing is said: 224 px, 5000 words, all triplets in memory. */
const axes = {
  batch: [8, 16, 32, 64].map((batch) => ({ batch })),
  micro: [64, 256].map((batch) => ({ batch, microBatch: 8 })),
  image: [64, 128, 224].map((imagePx) => ({ batch: 8, imagePx })),
  "frozen-batch": [8, 64, 256].map((batch) => ({ batch, isFrozen: true })),
  regions: [128, 224, 320, 448].map((imagePx) => ({ batch: 8, imagePx, isFrozen: true })),
  vocabulary: [1000, 5000, 20_000, 80_000].map((vocabularySize) => ({
    batch: 8,
    vocabularySize,
    isFrozen: true,
  })),
};

export const growth = {
  summary: "how a step's time and memory grow",
  description: `Time and peak memory of a training step, and how they grow with the batch (all of it in memory, or by micro-batches), the size of
pictures, regions and vocabulary. Prints tables. A point whose estimate is more than the free memory is not run. About ten
minutes on two cores that do nothing else; with --resume it can be stopped and resumed.`,
  options: [
    option("--axis <name>", "one axis", choice(Object.keys(axes)), { otherwise: "all" }),
    countOption("--steps <n>", "counted steps of each point, after one that is not", 1),
    tinyOption,
    resumeOption,
  ],
  examples: ["growth --axis micro --resume growth.jsonl", "growth --tiny"],
  run: runGrowth,
};

async function runGrowth({ axis, steps, tiny: isTiny, resume: resumeFile }, say) {
  const results = [];
  say(`SDFN, ${isTiny ? "too small to mean anything" : "ResNet-50, D 1024"}; counted steps: ${steps}`);
  for (const [name, points] of Object.entries(axes)) {
    if (axis !== undefined && axis !== name) continue;
    say(`\n${name}\n\n${tableHead}`);
    for (const point of points) {
      const result = await measure("growth-point.mjs", { ...point, steps, isTiny }, { resumeFile });
      results.push({ axis: name, ...point, ...result });
      say(row({ ...point, ...result }));
    }
  }
  return results;
}

const tableHead =
  "| triplets | in memory | pictures | vocabulary | s/step | processor s/step | peak, MB | estimate, MB |\n|---|---|---|---|---|---|---|---|";

function row({ batch, microBatch = batch, imagePx = 224, isFrozen, vocabularySize = 5000, ...result }) {
  const side = Math.ceil(imagePx / 32);
  const pictures = isFrozen ? `maps of ${side * side} regions` : `${imagePx} px, ${side * side} regions`;
  const { skipped, seconds, cpuSeconds, peakBytes, estimateBytes, availableBytes } = result;
  const numbers = skipped
    ? ["", "", `not run: ${megabytes(availableBytes)} to be had`]
    : [seconds.toFixed(2), cpuSeconds.toFixed(1), megabytes(peakBytes)];
  const cells = [batch, microBatch, pictures, vocabularySize, ...numbers, megabytes(estimateBytes)];
  return `| ${cells.join(" | ")} |`;
}
