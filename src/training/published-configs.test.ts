import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { resolveRunConfig } from "../runs/run-config.js";
import { learningRateAt } from "./learning-rate.js";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

/** Epochs, batch size and the epoch after which the rate falls: the paper, section 3.1. */
const published = [
  ["fashioniq", 60, 32, 50],
  ["shoes", 30, 16, 15],
  ["fashion200k", 50, 64, 30],
] as const;

describe("configs of the published data sets", () => {
  it.each(published)(
    "%s trains %i epochs of batches of %i, and slows down after %i",
    (name, epochs, batchSize, decay) => {
      const { model, training, modelConfig } = resolveRunConfig({
        file: JSON.parse(read(`configs/${name}.json`)),
      });
      expect(model).toBe("sdfn");
      expect(training).toMatchObject({ epochs, batchSize, weightDecay: 1e-6 });
      expect(modelConfig).toMatchObject({ backbone: "resnet50", backboneStatistics: "frozen", wordDim: 300 });
      const rates = [1, 7, 563].map((stepsPerEpoch) => {
        const rate = (epoch: number) =>
          learningRateAt(epoch * stepsPerEpoch, epochs * stepsPerEpoch, training);
        return [rate(decay) / rate(0), rate(decay - 1 / stepsPerEpoch) / rate(0)];
      });
      for (const [after, before] of rates) {
        expect(after).toBeCloseTo(0.1, 12);
        expect(before).toBe(1);
      }
    },
  );

  it.each(published)("every field of %s has its source in docs/reproduce.md", (name) => {
    const sources = read("docs/reproduce.md");
    const unexplained = Object.keys(JSON.parse(read(`configs/${name}.json`))).filter(
      (field) => !sources.includes(`\`${field}\``),
    );
    expect(unexplained).toEqual([]);
  });
});
