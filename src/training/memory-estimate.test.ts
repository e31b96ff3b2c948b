import { describe, expect, it } from "vitest";
import { EnvironmentError } from "../errors.js";
import { peakMemoryBytes, requireMemory } from "./memory-estimate.js";

const sizes = { batchSize: 8, imagePx: 224 };

describe("the memory estimate", () => {
  it("adds what the graph, a teacher and an average need", () => {
    const graph = { resultBytes: 5, parameterBytes: 7, spareBytes: 7 };
    const plain = { graph, modelBytes: 1000, hasTeacher: false, hasAverage: false, imageBytes: 0 };
    const peak = peakMemoryBytes(plain);
    expect(peak).toBe(320e6 + 1.9 * 5 + 3.25 * 7);
    expect(peakMemoryBytes({ ...plain, hasTeacher: true }) - peak).toBeCloseTo(2000);
    expect(peakMemoryBytes({ ...plain, hasAverage: true }) - peak).toBeCloseTo(1000);
    expect(peakMemoryBytes({ ...plain, imageBytes: 13 }) - peak).toBeCloseTo(13);
  });

  it("is within its stated error of what was measured", () => {
    // [results, parameters, peak resident size], MB: docs/performance.md
    const measured = [
      [147, 25, 770],
      [39, 25, 432],
      [135, 25, 722],
      [731, 355, 3225],
      [1322, 1109, 6193],
      [2536, 1109, 8042],
      [383, 827, 3562],
      [490, 827, 3808],
      [4962, 1109, 11_950],
    ] as const;
    for (const [results, parameters, peak] of measured) {
      const graph = { resultBytes: results * 1e6, parameterBytes: parameters * 1e6, spareBytes: 0 };
      const estimate = peakMemoryBytes({
        graph,
        modelBytes: 0,
        hasTeacher: false,
        hasAverage: false,
        imageBytes: 0,
      });
      expect(Math.abs(estimate / (peak * 1e6) - 1)).toBeLessThan(0.12);
    }
  });

  it("refuses what does not fit, with the way out", () => {
    expect(() => requireMemory(5e9, 5e9, sizes)).not.toThrow();
    expect(() => requireMemory(11.4e9, 7.9e9, sizes)).toThrow(EnvironmentError);
    expect(() => requireMemory(11.4e9, 7.9e9, sizes)).toThrow(
      /about 11\.4 GB of memory \(± 12 %\), and 7\.9 GB are free; lower batchSize \(now 8\).*--skip-memory-check/,
    );
  });
});
