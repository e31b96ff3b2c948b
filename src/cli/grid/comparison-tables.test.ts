import { describe, expect, it } from "vitest";
import { compareEntries } from "../../evaluation/comparison.js";
import { categoryResult, comparedMean, meanOf } from "../../evaluation/result.js";
import { comparisonCsv, comparisonMarkdown } from "./comparison-tables.js";

function evaluation(ranks: readonly number[], seed: number) {
  const perCategory = { dress: categoryResult(ranks, 900) };
  const mean = meanOf(Object.values(perCategory));
  return {
    result: {
      ...({ model: "m", dataset: "fashioniq", split: "val", protocol: "val-split" } as const),
      ...({ reference: "removed", captions: "and", seed, commit: "0123" } as const),
      perCategory,
      mean,
      compared: comparedMean(mean, ["r10", "r50"]),
      dropped: {
        images: { dropped: 0, of: 1, broken: 0 },
        triplets: { dropped: 0, of: 1 },
        galleryEntries: { dropped: 0, of: 1 },
      },
    },
    ranks: { dress: ranks.map((rank, i) => ({ reference: `r${i}`, target: `t${i}`, text: "", rank })) },
  };
}
const [first, second] = [evaluation([20, 60], 1), evaluation([1, 60], 1)];
const comparison = compareEntries([
  { name: "a|b", evaluations: [first] },
  { name: "+ MSR", evaluations: [second] },
]);

describe("comparisonMarkdown", () => {
  const text = comparisonMarkdown(comparison, [first.result, second.result]);
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
      "fashioniq val, protocol val-split, reference removed, captions and; seeds 1; commit 0123",
    );
    expect(text).toContain("percentile bootstrap");
  });
  it("says that nothing is finished", () => {
    expect(comparisonMarkdown(compareEntries([]), [])).toBe("No cell is finished.\n");
  });
});

describe("comparisonCsv", () => {
  it("has a record for the mean and each category of every training", () => {
    const lines = comparisonCsv([{ row: "msr", result: second.result }])
      .trimEnd()
      .split("\n");
    expect(lines).toEqual([
      "row,seed,category,r1,r10,r50,queries,gallery,dataset,split,protocol,reference,captions,commit",
      "msr,1,mean,50,50,50,,,fashioniq,val,val-split,removed,and,0123",
      "msr,1,dress,50,50,50,2,900,fashioniq,val,val-split,removed,and,0123",
    ]);
  });
});
