import { describe, expect, it } from "vitest";
import { RouteSums } from "./route-statistics.js";

describe("RouteSums", () => {
  // Two queries, M = 2 sources, J = 3 destinations; a destination's weights sum to 1.
  const first = [1, 0.3, 0.2, 0, 0.7, 0.8];
  const second = [1, 0.3, 0.6, 0, 0.7, 0.4];
  const weights = (...queries: number[][]) => ({
    dtype: "float32" as const,
    shape: [queries.length, 2, 3],
    data: Float32Array.from(queries.flat()),
  });

  it("means over queries and destinations, and deviates over queries only", () => {
    const sums = new RouteSums();
    sums.add(weights(first, second));
    const { weights: means, deviations, entropy } = sums.statistics();
    // Source 0: (1 + 0.3 + 0.4) / 3. Only the third destination varies, by 0.2 on both sides: sqrt(0.04 / 3).
    expect(means[0]).toBeCloseTo(1.7 / 3, 6);
    expect(means[1]).toBeCloseTo(1.3 / 3, 6);
    expect(deviations[0]).toBeCloseTo(Math.sqrt(0.04 / 3), 6);
    expect(deviations[1]).toBeCloseTo(Math.sqrt(0.04 / 3), 6);
    const h = (p: number) => -(p * Math.log2(p) + (1 - p) * Math.log2(1 - p));
    expect(entropy).toBeCloseTo((h(0.3) + h(0.2) + h(0.3) + h(0.6)) / 6, 6);
  });

  it("is the same in one batch and in two", () => {
    const [once, twice] = [new RouteSums(), new RouteSums()];
    once.add(weights(first, second));
    twice.add(weights(first));
    twice.add(weights(second));
    expect(twice.statistics()).toEqual(once.statistics());
  });

  it("does not deviate where every query takes the same route", () => {
    const sums = new RouteSums();
    sums.add(weights(first, first));
    for (const deviation of sums.statistics().deviations) expect(deviation).toBeCloseTo(0, 6);
  });
});
