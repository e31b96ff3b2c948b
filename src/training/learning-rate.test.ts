import { describe, expect, it } from "vitest";
import { learningRateAt } from "./learning-rate.js";

const options = {
  learningRate: 0.01,
  warmupSteps: 4,
  schedule: "step",
  decayAt: 0.5,
  decayFactor: 0.1,
} as const;

describe("learningRateAt", () => {
  it("rises linearly over the warm-up and reaches the full rate at its last step", () => {
    expect([0, 1, 2, 3, 4].map((step) => learningRateAt(step, 100, options))).toEqual([
      0.0025, 0.005, 0.0075, 0.01, 0.01,
    ]);
  });
  it("decays once by the factor, at the given fraction of all steps", () => {
    expect(learningRateAt(49, 100, options)).toBe(0.01);
    expect(learningRateAt(50, 100, options)).toBeCloseTo(0.001, 12);
  });
  it("follows half a cosine from the full rate to zero", () => {
    const cosine = { ...options, schedule: "cosine" } as const;
    expect(learningRateAt(4, 104, cosine)).toBeCloseTo(0.01, 12);
    expect(learningRateAt(54, 104, cosine)).toBeCloseTo(0.005, 12);
    expect(learningRateAt(104, 104, cosine)).toBeCloseTo(0, 12);
  });
});
