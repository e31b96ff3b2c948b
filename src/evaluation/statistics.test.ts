import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random } from "../engine/tensor/random.js";
import { ShapeError } from "../errors.js";
import { bootstrapIntervals, pairedDifference, spreadOf } from "./statistics.js";

describe("spreadOf", () => {
  it("is the mean and the sample deviation", () => {
    // Mean 5; squares 9 + 1 + 1 + 9 = 20; 20 / 3.
    const { mean, deviation } = spreadOf([2, 4, 6, 8]);
    expect(mean).toBe(5);
    expect(deviation).toBeCloseTo(Math.sqrt(20 / 3), 12);
  });
  it("has no deviation for one value, and no mean for none", () => {
    expect(spreadOf([3])).toEqual({ mean: 3, deviation: null });
    expect(() => spreadOf([])).toThrow(RangeError);
  });
});

describe("pairedDifference", () => {
  it("takes the second list from the first, and Student's interval of the differences", () => {
    // Differences 1, 2, 3: mean 2, deviation 1, t(2) = 4.303.
    const { mean, deviation, interval } = pairedDifference([11, 22, 33], [10, 20, 30]);
    expect([mean, deviation]).toEqual([2, 1]);
    expect(interval?.low).toBeCloseTo(2 - 4.303 / Math.sqrt(3), 12);
    expect(interval?.high).toBeCloseTo(2 + 4.303 / Math.sqrt(3), 12);
  });
  it("removes what the seeds have in common: an equal shift has no spread", () => {
    expect(pairedDifference([31, 55], [30, 54])).toEqual({
      mean: 1,
      deviation: 0,
      interval: { low: 1, high: 1 },
    });
  });
  it("has no interval for one pair, and refuses lists of two lengths", () => {
    expect(pairedDifference([4], [1])).toEqual({ mean: 3, deviation: null, interval: null });
    expect(() => pairedDifference([1, 2], [1])).toThrow(ShapeError);
  });
});

describe("bootstrapIntervals", () => {
  const random = () => new Random(7);
  const strataOf = (values: readonly (readonly number[])[]) =>
    values.map((rows) => rows.map((value) => [value]));
  const someStrata = fc.array(
    fc.array(fc.integer({ min: -100, max: 100 }), { minLength: 1, maxLength: 20 }),
    {
      minLength: 1,
      maxLength: 4,
    },
  );
  const resamples = 60;

  it("is the binomial interval of a share", () => {
    // 40 of 100 hits: 0.4 ± 1.96 · sqrt(0.4 · 0.6 / 100) = 0.304 to 0.496.
    const rows = Array.from({ length: 100 }, (_, i) => [i < 40 ? 1 : 0]);
    const [interval] = bootstrapIntervals([rows], { random: random(), resamples: 4000 });
    expect(interval?.low).toBeCloseTo(0.304, 1);
    expect(interval?.high).toBeCloseTo(0.496, 1);
  });

  it("counts every stratum once, however many rows it has", () => {
    const [interval] = bootstrapIntervals(strataOf([[10], [0, 0, 0, 0]]), { random: random(), resamples });
    expect(interval).toEqual({ low: 5, high: 5 });
  });

  it("never mixes strata: where each is constant nothing varies", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 5 }),
        (constants) => {
          const strata = strataOf(constants.map((value) => [value, value, value]));
          const [interval] = bootstrapIntervals(strata, { random: random(), resamples });
          const mean = constants.reduce((sum, value) => sum + value, 0) / constants.length;
          expect(interval?.low).toBeCloseTo(mean, 9);
          expect(interval?.high).toBeCloseTo(mean, 9);
        },
      ),
      { seed: 1 },
    );
  });

  it("lies between the extremes, is the same for the same seed, and moves with the values", () => {
    fc.assert(
      fc.property(someStrata, fc.integer({ min: -30, max: 30 }), (values, shift) => {
        const [interval] = bootstrapIntervals(strataOf(values), { random: random(), resamples });
        const mean = (of: (rows: readonly number[]) => number) =>
          values.reduce((sum, rows) => sum + of(rows), 0) / values.length;
        expect(interval?.low).toBeLessThanOrEqual(interval?.high ?? Number.NaN);
        expect(interval?.low).toBeGreaterThanOrEqual(mean((rows) => Math.min(...rows)) - 1e-9);
        expect(interval?.high).toBeLessThanOrEqual(mean((rows) => Math.max(...rows)) + 1e-9);
        expect(bootstrapIntervals(strataOf(values), { random: random(), resamples })).toEqual([interval]);

        const moved = values.map((rows) => rows.map((value) => value + shift));
        const [shifted] = bootstrapIntervals(strataOf(moved), { random: random(), resamples });
        expect(shifted?.low).toBeCloseTo((interval?.low ?? 0) + shift, 9);
        expect(shifted?.high).toBeCloseTo((interval?.high ?? 0) + shift, 9);
      }),
      { seed: 2 },
    );
  });

  it("resamples columns together: the interval of a - b, given as a column, is that of the pairs", () => {
    fc.assert(
      fc.property(someStrata, (values) => {
        const both = values.map((rows) => rows.map((value) => [value, -value]));
        const [plain, negated] = bootstrapIntervals(both, { random: random(), resamples });
        expect(negated?.low).toBeCloseTo(-(plain?.high ?? 0), 9);
        expect(negated?.high).toBeCloseTo(-(plain?.low ?? 0), 9);
      }),
      { seed: 3 },
    );
  });

  it("covers the true mean about 95 times in a hundred", () => {
    const draws = new Random(11);
    let covered = 0;
    for (let trial = 0; trial < 300; trial += 1) {
      const rows = Array.from({ length: 60 }, () => [draws.normal()]);
      const [interval] = bootstrapIntervals([rows], { random: draws, resamples: 300 });
      if (interval && interval.low <= 0 && interval.high >= 0) covered += 1;
    }
    expect(covered / 300).toBeGreaterThan(0.9);
    expect(covered / 300).toBeLessThan(0.985);
  });

  it("refuses no strata, an empty one, and ragged rows", () => {
    for (const wrong of [[], [[]], [[[1]], []], [[[1], [1, 2]]]]) {
      expect(() => bootstrapIntervals(wrong, { random: random() })).toThrow(ShapeError);
    }
  });
});
