// Peak memory of trainings beside the estimate, and the factors that fit best. Peaks do not depend on the machine's load.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateCatalogue } from "../dist/data/synthetic/generate.js";
import { peakMemoryBytes } from "../dist/training/memory-estimate.js";
import { measure, megabytes } from "./points.mjs";
import { resumeOption, tinyOption } from "./shared-options.mjs";

export const memory = {
  summary: "peak memory beside the estimate",
  description: `Peak memory of trainings of a few steps beside the estimate that \`sdfn train\` prints, and the factors that fit it best. Peaks do not
depend on what else the machine does.`,
  options: [tinyOption, resumeOption],
  examples: ["memory --resume memory.jsonl", "memory --tiny"],
  run: runMemory,
};

const demo = {
  backbone: "resnet18",
  backboneWidth: 0.25,
  embedDim: 128,
  wordDim: 64,
  heads: 4,
  imageNorm: "batch",
  imagePx: 64,
  resizePx: 72,
  lambda2: 0,
};
const resnet18 = { backbone: "resnet18", embedDim: 512, heads: 8, backboneStatistics: "frozen" };
const wide = { ...resnet18, embedDim: 1024 };
const paper = { ...wide, backbone: "resnet50" };
const tiny = { ...demo, backboneWidth: 0.0625, embedDim: 16, wordDim: 8, heads: 2, layers: 2 };

/** Name and fields, in growing order. One epoch has no teacher; with two there is one in the second. */
const points = [
  ["demo", { ...demo, batchSize: 16 }],
  ["demo", { ...demo, batchSize: 60 }],
  ["demo, 128 px", { ...demo, batchSize: 16, imagePx: 128, resizePx: 144 }],
  ["demo, 128 px", { ...demo, batchSize: 60, imagePx: 128, resizePx: 144 }],
  [
    "demo, 128 px, micro-batches of 15",
    { ...demo, batchSize: 60, microBatchSize: 15, imagePx: 128, resizePx: 144 },
  ],
  ["thin, 224 px", { ...tiny, batchSize: 32, imagePx: 224, resizePx: 256 }],
  ["ResNet-18, D 512, frozen", { ...resnet18, batchSize: 16, freezeBackbone: true }],
  ["ResNet-18, D 512", { ...resnet18, batchSize: 4 }],
  ["ResNet-18, D 512, average", { ...resnet18, batchSize: 4, weightAverage: 0.99 }],
  ["ResNet-18, D 512", { ...resnet18, batchSize: 8 }],
  ["ResNet-18, D 512, micro-batches of 4", { ...resnet18, batchSize: 16, microBatchSize: 4 }],
  ["ResNet-18, D 1024", { ...wide, batchSize: 4 }],
  ["ResNet-18, D 1024, frozen", { ...wide, batchSize: 16, freezeBackbone: true }],
  ["the same, teacher", { ...wide, batchSize: 16, freezeBackbone: true, epochs: 2 }],
  [
    "the same, teacher, held-out part",
    { ...wide, batchSize: 16, freezeBackbone: true, epochs: 2, holdOut: 0.2 },
  ],
  ["ResNet-50, D 1024, frozen", { ...paper, batchSize: 16, freezeBackbone: true }],
  ["ResNet-50, D 1024", { ...paper, batchSize: 8 }],
  ["ResNet-50, D 1024, teacher", { ...paper, batchSize: 8, epochs: 2 }],
  ["ResNet-50, D 1024, micro-batches of 8", { ...paper, batchSize: 32, microBatchSize: 8 }],
  ["ResNet-50, D 1024", { ...paper, batchSize: 16 }],
];
const tinyPoints = [4, 20].map((batchSize) => ["tiny", { ...tiny, batchSize }]);

async function runMemory({ tiny: isTiny, resume: resumeFile }, say) {
  const folder = mkdtempSync(join(tmpdir(), "memory-data-"));
  const rows = [];
  try {
    say(tableHead);
    for (const [name, given] of isTiny ? tinyPoints : points) {
      const fields = { model: "sdfn", epochs: 1, holdOut: 0, ...given };
      const { resizePx: sizePx = 256 } = fields;
      const data = join(folder, String(sizePx));
      await generateCatalogue(data, { itemsPerCategory: 20, triplets: 120, sizePx });
      const result = await measure("memory-point.mjs", { fields }, { resumeFile, also: { data } });
      // Computed anew: results of an earlier run may have been estimated with other factors.
      if (!result.skipped) result.estimateBytes = peakMemoryBytes(result.memory);
      say(rowOf(name, fields, result));
      if (!result.skipped) rows.push({ name, batchSize: fields.batchSize, ...result });
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const fitted = bestFactors(rows.filter(({ memory }) => !memory.hasTeacher && !memory.hasAverage));
  if (fitted) {
    const [base, perResultByte, perParameterByte] = fitted;
    say(
      `\nbest: ${megabytes(base)} MB + ${perResultByte.toFixed(2)} R + ${perParameterByte.toFixed(2)} P + images ` +
        "(least squares of the relative error, points without teacher and average)",
    );
  }
  return { rows, fitted };
}

const tableHead =
  "| model, size | batch | R | P | model | images | peak | estimate | error |\n|---|---|---|---|---|---|---|---|---|";

function rowOf(name, { batchSize }, { skipped, reason, memory, peakBytes, estimateBytes }) {
  if (skipped) return `| ${name} | ${batchSize} | not run: ${reason} |`;
  const { graph, modelBytes, imageBytes } = memory;
  const sizes = [graph.resultBytes, graph.parameterBytes, modelBytes, imageBytes, peakBytes, estimateBytes];
  const error = `${(100 * (estimateBytes / peakBytes - 1)).toFixed(0)} %`;
  return `| ${[name, batchSize, ...sizes.map(megabytes), error].join(" | ")} |`;
}

/**
 * Factors of 1, R and P for which the sum of squared relative errors is smallest; undefined for fewer than three points.
 * Each point is an equation, divided by its peak.
 */
function bestFactors(rows) {
  if (rows.length < 3) return undefined;
  const equations = rows.map(({ memory: { graph, imageBytes }, peakBytes }) =>
    [1, graph.resultBytes, graph.parameterBytes, peakBytes - imageBytes].map((value) => value / peakBytes),
  );
  const sums = [0, 1, 2].map((i) =>
    [0, 1, 2, 3].map((j) => equations.reduce((sum, equation) => sum + equation[i] * equation[j], 0)),
  );
  return solved(sums);
}

/** The solution of linear equations, each a row with its right side last; by elimination. */
function solved(rows) {
  for (const [i, row] of rows.entries()) {
    for (const other of rows) {
      if (other === row) continue;
      const factor = other[i] / row[i];
      for (const j of other.keys()) other[j] -= factor * row[j];
    }
  }
  return rows.map((row, i) => row.at(-1) / row[i]);
}
