/** Is the memory that is said before the first step what a training takes? */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { estimateError } from "../../src/training/memory-estimate.js";
import { isCompiled } from "../fixtures/compiled.js";
import { tinyCatalogue, tinySdfn } from "./tiny-training.js";

/** A training in a process of its own, whose highest resident size it prints. */
const script = fileURLToPath(new URL("../../bench/memory-point.mjs", import.meta.url));

const { data } = tinyCatalogue(144);

describe.skipIf(!isCompiled || process.platform !== "linux")("the memory estimate", () => {
  // The first is mostly what every process takes, the second mostly activations, the third mostly columns of pictures.
  it.each([
    ["a tiny model", {}],
    ["the demo's model", { backboneWidth: 0.25, embedDim: 128, wordDim: 64, imagePx: 128, batchSize: 48 }],
    ["a thin model on large pictures", { imagePx: 128, batchSize: 48 }],
  ])("is within its stated error of the peak of %s", async (_, fields) => {
    const point = {
      data,
      fields: { ...tinySdfn, resizePx: 144, epochs: 1, holdOut: 0, ...fields },
    };
    const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(point)]);
    const { estimateBytes, peakBytes } = JSON.parse(stdout);
    expect(peakBytes).toBeGreaterThan(100e6);
    expect(Math.abs(estimateBytes / peakBytes - 1), `${estimateBytes} and ${peakBytes}`).toBeLessThan(
      estimateError,
    );
  });
});
