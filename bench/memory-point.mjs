// One point of `bench -- memory`: a whole training, ends of epochs included. Prints one JSON line.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openFashionIq } from "../dist/data/datasets/fashion-iq.js";
import { EnvironmentError } from "../dist/errors.js";
import { resolveRunConfig } from "../dist/runs/run-config.js";
import { train } from "../dist/training/train.js";
import { peakBytes } from "./points.mjs";

const { data, fields, availableBytes = Number.POSITIVE_INFINITY } = JSON.parse(process.argv[2] ?? "{}");
const folder = mkdtempSync(join(tmpdir(), "memory-"));
let start;
try {
  await train({
    dataset: openFashionIq(data),
    config: resolveRunConfig({ file: fields }),
    runDir: join(folder, "run"),
    featureCacheDir: join(folder, "features"),
    availableBytes,
    onEvent(event) {
      if (event.kind === "start") start = event;
    },
  });
  const { memory, memoryBytes: estimateBytes } = start;
  console.log(JSON.stringify({ memory, estimateBytes, peakBytes: peakBytes() }));
} catch (error) {
  if (!(error instanceof EnvironmentError)) throw error;
  console.log(JSON.stringify({ skipped: true, reason: error.message }));
} finally {
  rmSync(folder, { recursive: true });
}
