import { describe, expect, it } from "vitest";
import { seedEvaluation } from "../../tests/fixtures/seed-evaluation.js";
import { DatasetError } from "../errors.js";
import { type ComparisonEntry, compareEntries, comparisonMethod, type SeedEvaluation } from "./comparison.js";
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

describe("compareEntries, of metrics besides recall", () => {
  /** A query that is found at 5 and in its subset, with its relevant images at these ranks. */
  const found = { rank: 3, subsetRank: 1, relevantRanks: [1, 3] };
  const lost = { rank: 9, subsetRank: 2, relevantRanks: [2, 9] };
  const names = ["map5", "r5", "subset1"] as const;
  const facts = { alsoMeasured: names, compared: ["r5", "subset1"] } as const;
  const entries = [
    entry("a", [seedEvaluation({ all: [lost, lost] }, facts)]),
    entry("b", [seedEvaluation({ all: [found, lost] }, facts)]),
  ];

  it("has them with their differences and intervals, in the order of tables", () => {
    const { metrics, comparedBy, rows } = compareEntries(entries, { resamples: 200 });
    expect(metrics).toEqual(["map5", "r1", "r5", "r10", "r50", "subset1"]);
    expect(comparedBy).toEqual(["r5", "subset1"]);
    // AP@5 of lost (1/2) / 2, of found (1/1 + 2/3) / 2: 25 and 83.3 percent.
    expect(rows[0]?.mean.map5?.mean).toBeCloseTo(25, 10);
    expect(rows[1]?.perCategory.all?.map5?.mean).toBeCloseTo((25 + 500 / 6) / 2, 10);
    const difference = rows[1]?.difference?.metrics;
    expect(difference?.map5?.mean).toBeCloseTo((500 / 6 - 25) / 2, 10);
    expect(difference?.map5?.overQueries.low).toBe(0);
    expect(difference?.map5?.overQueries.high).toBeCloseTo(500 / 6 - 25, 10);
    expect(difference).toMatchObject({ subset1: { mean: 50 }, compared: { mean: 50 } });
  });

  it("says that precision is counted too", () => {
    expect(comparisonMethod(compareEntries(entries))).toContain("difference in hits and precision, each");
    const recalls = compareEntries([entry("a", [seedEvaluation(good)])]);
    expect(comparisonMethod(recalls)).toContain("difference in hits, each");
  });
});

describe("queryRanksSchema", () => {
  it("reads back what JSON keeps, a query without an answer included", () => {
    const places = { rank: unranked, subsetRank: unranked, relevantRanks: [2, unranked] };
    const ranks = { dress: [{ reference: "r", target: "t", text: "", ...places }] };
    expect(queryRanksSchema.parse(JSON.parse(JSON.stringify(ranks)))).toEqual(ranks);
    expect(queryRanksSchema.safeParse({ dress: [{ ...ranks.dress[0], rank: 0 }] }).success).toBe(false);
  });
});
