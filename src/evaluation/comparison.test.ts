import { describe, expect, it } from "vitest";
import { seedEvaluation } from "../../tests/fixtures/seed-evaluation.js";
import { DatasetError } from "../errors.js";
import { type ComparisonEntry, compareEntries, type SeedEvaluation } from "./comparison.js";
import { queryRanksSchema } from "./query-ranks.js";
import { unranked } from "./recall.js";

const [good, bad] = [
  { dress: [1, 5, 11, 60], shirt: [2, 2] },
  { dress: [2, 20, 70, 80], shirt: [2, 12] },
];
const entry = (name: string, evaluations: SeedEvaluation[], against?: string): ComparisonEntry => ({
  name,
  evaluations,
  against,
});

describe("compareEntries", () => {
  it("means over seeds, by category and over all", () => {
    const { rows } = compareEntries([
      entry("a", [seedEvaluation(good, { seed: 1 }), seedEvaluation(bad, { seed: 2 })]),
    ]);
    // R@10: dress 50 and 25, shirt 100 and 50; means over categories 75 and 37.5.
    expect(rows[0]?.mean.r10.mean).toBe(56.25);
    expect(rows[0]?.mean.r10.deviation).toBeCloseTo(37.5 / Math.SQRT2, 10);
    expect(rows[0]?.perCategory.dress).toMatchObject({ queries: 4, gallery: 900, r10: { mean: 37.5 } });
    expect(rows[0]?.seeds).toEqual([1, 2]);
    expect(rows[0]?.difference).toBeNull();
  });

  it("takes the first entry from the others, seed by seed, over the seeds that both finished", () => {
    const { rows } = compareEntries([
      entry("a", [seedEvaluation(bad, { seed: 1 }), seedEvaluation(bad, { seed: 2 })]),
      entry("b", [seedEvaluation(good, { seed: 2 }), seedEvaluation(good, { seed: 3 })]),
      entry("c", [seedEvaluation(good, { seed: 9 })]),
    ]);
    expect(rows[1]?.difference).toMatchObject({ against: "a", seeds: [2] });
    // Recalls of good and bad: R@1 12.5 and 0, R@10 75 and 37.5, R@50 87.5 and 75.
    expect(rows[1]?.difference?.metrics).toMatchObject({
      r1: { mean: 12.5, deviation: null, interval: null },
      r10: { mean: 37.5 },
      r50: { mean: 12.5 },
      compared: { mean: 25 },
    });
    expect(rows[2]?.difference).toBeNull();
  });

  it("has a bootstrap interval around the difference, equal for equal seeds", () => {
    const entries = [entry("a", [seedEvaluation(bad)]), entry("b", [seedEvaluation(good)])];
    const once = compareEntries(entries, { resamples: 500, seed: 3 });
    const interval = once.rows[1]?.difference?.metrics.r10.overQueries;
    // Dress: one of four queries is won, shirt: one of two; every resample lies between 0 and 100.
    expect(interval?.low).toBe(0);
    expect(interval?.high).toBeGreaterThan(60);
    expect(interval?.high).toBeLessThan(100);
    expect(compareEntries(entries, { resamples: 500, seed: 3 })).toEqual(once);
  });

  it("gives no width where two models answer alike", () => {
    const { rows } = compareEntries([entry("a", [seedEvaluation(good)]), entry("b", [seedEvaluation(good)])]);
    expect(rows[1]?.difference?.metrics.r10).toMatchObject({ mean: 0, overQueries: { low: 0, high: 0 } });
  });

  it("compares with the entry that is named", () => {
    const { rows } = compareEntries([
      entry("a", [seedEvaluation(bad)]),
      entry("b", [seedEvaluation(good)]),
      entry("c", [seedEvaluation(bad)], "b"),
    ]);
    expect(rows[2]?.difference).toMatchObject({ against: "b", metrics: { r10: { mean: -37.5 } } });
  });

  it("leaves out entries without a finished seed", () => {
    const { rows } = compareEntries([entry("a", []), entry("b", [seedEvaluation(good)])]);
    expect(rows.map(({ name, difference }) => [name, difference])).toEqual([["b", null]]);
    expect(compareEntries([]).rows).toEqual([]);
  });

  it("refuses other protocols and other queries", () => {
    expect(() =>
      compareEntries([
        entry("a", [seedEvaluation(good)]),
        entry("b", [seedEvaluation(good, { protocol: "original", seed: 4 })]),
      ]),
    ).toThrow(/b, seed 4: was not measured as a, seed 1 was; .*original.*val-split/s);
    expect(() =>
      compareEntries([
        entry("a", [seedEvaluation(good)]),
        entry("b", [seedEvaluation({ ...good, dress: [1] })]),
      ]),
    ).toThrow(DatasetError);
  });
});

describe("queryRanksSchema", () => {
  it("reads back what JSON keeps, a query without an answer included", () => {
    const ranks = { dress: [{ reference: "r", target: "t", text: "", rank: unranked }] };
    expect(queryRanksSchema.parse(JSON.parse(JSON.stringify(ranks)))).toEqual(ranks);
    expect(queryRanksSchema.safeParse({ dress: [{ ...ranks.dress[0], rank: 0 }] }).success).toBe(false);
  });
});
