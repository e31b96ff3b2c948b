import { describe, expect, it } from "vitest";
import { EnvironmentError } from "../errors.js";
import { estimateError, peakMemoryBytes, requireMemory } from "./memory-estimate.js";

const sizes = { batchSize: 8, imagePx: 224 };

describe("the memory estimate", () => {
  it("adds what the graph, a teacher and an average need", () => {
    const graph = { resultBytes: 5, parameterBytes: 7, spareBytes: 7 };
    const plain = { graph, modelBytes: 1000, hasTeacher: false, hasAverage: false, imageBytes: 0 };
    const peak = peakMemoryBytes(plain);
    expect(peak).toBe(217e6 + 0.83 * 5 + 3.81 * 7);
    expect(peakMemoryBytes({ ...plain, hasTeacher: true }) - peak).toBeCloseTo(2000);
    expect(peakMemoryBytes({ ...plain, hasAverage: true }) - peak).toBeCloseTo(1000);
    expect(peakMemoryBytes({ ...plain, imageBytes: 13 }) - peak).toBeCloseTo(13);
  });

  it("is within its stated error of what was measured", () => {
    // [results, parameters, images, peak resident size], MB: docs/performance.md
    const measured = [
      [72, 21, 1, 332],
      [268, 21, 1, 499],
      [272, 21, 4, 546],
      [1018, 21, 4, 1177],
      [1135, 1, 12, 1393],
      [194, 203, 12, 1303],
      [456, 338, 12, 2073],
      [906, 338, 12, 2258],
      [506, 924, 12, 4589],
      [387, 790, 12, 3743],
      [397, 809, 12, 3929],
      [3034, 1091, 12, 6084],
      [6051, 1091, 12, 8586],
    ] as const;
    for (const [results, parameters, images, peak] of measured) {
      const graph = { resultBytes: results * 1e6, parameterBytes: parameters * 1e6, spareBytes: 0 };
      const estimate = peakMemoryBytes({
        graph,
        modelBytes: 0,
        hasTeacher: false,
        hasAverage: false,
        imageBytes: images * 1e6,
      });
      expect(Math.abs(estimate / (peak * 1e6) - 1)).toBeLessThan(estimateError);
    }
  });

  it("refuses what does not fit, with the way out", () => {
    expect(() => requireMemory(5e9, 5e9, sizes)).not.toThrow();
    expect(() => requireMemory(11.4e9, 7.9e9, sizes)).toThrow(EnvironmentError);
    expect(() => requireMemory(11.4e9, 7.9e9, sizes)).toThrow(
      /about 11\.4 GB of memory \(± 17 %\), and 7\.9 GB are free; lower batchSize \(now 8\).*--skip-memory-check/,
    );
  });
});
