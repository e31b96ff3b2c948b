import { describe, expect, it } from "vitest";
import { seedEvaluation } from "../../tests/fixtures/seed-evaluation.js";
import { compareEntries } from "../evaluation/comparison.js";
import { comparisonCsv, comparisonMarkdown, differencesCsv } from "./comparison-tables.js";

const [first, second] = [seedEvaluation({ dress: [20, 60] }), seedEvaluation({ dress: [1, 60] })];
const comparison = compareEntries([
  { name: "a|b", evaluations: [first] },
  { name: "+ MSR", evaluations: [second] },
]);

const cost = {
  parameters: 1234,
  secondsPerStep: 0.25,
  millisecondsPerQuery: 1.5,
  gallery: 900,
  bytesPerItem: 4096,
};

describe("comparisonMarkdown", () => {
  const text = comparisonMarkdown(comparison, {
    results: [first.result, second.result],
    costs: [
      { name: "a|b", steps: [12], seconds: [5], measured: cost },
      { name: "+ MSR", steps: [12], seconds: [9], measured: null },
    ],
    robustness: [
      { row: "a|b", model: "a|b", percent: 0 },
      { row: "+ MSR", model: "a|b", percent: 20 },
    ],
    tuned: [
      {
        name: "+ MSR",
        field: "learningRate",
        tried: [
          { value: 0.01, recall: null },
          { value: 0.001, recall: 41.25 },
        ],
        chosen: 0.001,
      },
    ],
  });
  it("has one line a row, with bars in names escaped", () => {
    expect(text).toContain("| row | seeds | R@1 | R@10 | R@50 | mean of R@10, R@50 |\n| --- |");
    expect(text).toContain("\n| a\\|b | 1 | 0.0 | 0.0 | 50.0 | 25.0 |\n");
    expect(text).toContain("\n| + MSR | 1 | 50.0 | 50.0 | 50.0 | 50.0 |\n");
  });
  it("has the difference without an interval over one seed, with one over queries", () => {
    expect(text).toMatch(/\| \+ MSR \| a\\\|b \| \+50\.0 – \[0\.0, \+100\.0\] \|/);
  });
  it("has protocol, gallery, seeds, commit and method beside it", () => {
    expect(text).toContain("dress, 2 queries, gallery of 900:");
    expect(text).toContain(
      "fashioniq val, protocol val-split, reference removed, captions and; seeds 1; commit 0123456789ab",
    );
    expect(text).toContain("percentile bootstrap");
  });
  it("has what each row costs, and how that was measured", () => {
    expect(text).toContain(
      "\n| a\\|b | 1 | 12 | 5 s | 1,234 | 0.25 | 1.5 | 4,096 |\n| + MSR | 1 | 12 | 9 s | – | – | – | – |\n",
    );
    expect(text).toContain("ranked against 900 pictures");
  });
  it("has models by share of mismatched triplets, with what is lost", () => {
    expect(text).toContain(
      "\n| Model | 0 % mismatched | 20 % mismatched |\n| --- | --- | --- |\n| a\\|b | 0.0 | 50.0 (+50.0) |\n",
    );
  });
  it("has what each row was tuned to, and by which triplets", () => {
    expect(text).toContain("on triplets held out of train");
    expect(text).toContain(
      "\n| Row | learningRate 0.01 | learningRate 0.001 | chosen |\n| --- | --- | --- | --- |\n| + MSR | failed | 41.3 | 0.001 |\n",
    );
  });
  it("has the table of mismatched triplets by the metric that the data set is compared by", () => {
    const facts = { alsoMeasured: ["map5"], compared: ["map5"] } as const;
    const [better, worse] = [[1], [2]].map((relevantRanks) =>
      seedEvaluation({ all: [{ rank: 1, relevantRanks }] }, facts),
    );
    if (!better || !worse) throw new Error("two evaluations were made");
    const rows = [better, worse].map((own, i) => ({ name: `${20 * i} %`, evaluations: [own] }));
    const byPrecision = comparisonMarkdown(compareEntries(rows), {
      results: [better.result, worse.result],
      costs: [],
      robustness: rows.map(({ name }, i) => ({ row: name, model: "tirg", percent: 20 * i })),
      tuned: [],
    });
    expect(byPrecision).toContain("mAP@5 with mismatched training triplets");
    expect(byPrecision).toContain("| tirg | 100.0 | 50.0 (−50.0) |");
  });
  it("says that nothing is finished", () => {
    expect(
      comparisonMarkdown(compareEntries([]), { results: [], costs: [], robustness: [], tuned: [] }),
    ).toBe("No cell is finished.\n");
  });
});

describe("differencesCsv", () => {
  it("has a record for each recall of a row, with what it is compared with and both intervals", () => {
    const [head, , r10, ...rest] = differencesCsv(comparison, (title) => (title === "+ MSR" ? "msr" : title))
      .trimEnd()
      .split("\n");
    expect(head).toBe(
      "row,against,metric,seeds,mean,deviation,low_over_seeds,high_over_seeds,low_over_queries,high_over_queries",
    );
    expect(r10).toBe("msr,a|b,r10,1,50,,,,0,100");
    expect(rest).toHaveLength(2);
  });
});

describe("comparisonCsv", () => {
  it("has a record for the mean and each category of every training", () => {
    const lines = comparisonCsv([{ row: "msr", result: second.result, cost }])
      .trimEnd()
      .split("\n");
    expect(lines).toEqual([
      "row,seed,category,r1,r10,r50,queries,gallery,dataset,split,protocol,reference,captions,commit,parameters,seconds_per_step,ms_per_query,bytes_per_item",
      "msr,1,mean,50,50,50,,,fashioniq,val,val-split,removed,and,0123456789ab,1234,0.25,1.5,4096",
      "msr,1,dress,50,50,50,2,900,fashioniq,val,val-split,removed,and,0123456789ab,1234,0.25,1.5,4096",
    ]);
  });
  it("has a column for every metric that was measured, and empty costs where there are none", () => {
    const { result } = seedEvaluation(
      { all: [{ rank: 4, subsetRank: 1 }] },
      { dataset: "cirr", alsoMeasured: ["r5", "subset1"], compared: ["r5", "subset1"] },
    );
    const [head, mean] = comparisonCsv([{ row: "tirg", result, cost: undefined }]).split("\n");
    expect(head).toMatch(/^row,seed,category,r1,r5,r10,r50,subset1,queries,.*,commit,parameters,/);
    expect(mean).toBe("tirg,1,mean,0,100,100,100,100,,,cirr,val,val-split,removed,and,0123456789ab,,,,");
  });
});
