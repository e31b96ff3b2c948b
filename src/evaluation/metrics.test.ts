import { describe, expect, it } from "vitest";
import { headlines, labelNotes, measuredNames, otherMetrics, scoreUnder } from "./metrics.js";
import { unranked } from "./recall.js";

describe("scoreUnder", () => {
  it.each([
    // (1/1 + 2/3) / 3: the third is too far behind.
    [[1, 3, 60], 5 / 9, 5 / 9],
    // (1/2 + 2/4) / 3 at 5, and 3/6 more at 10.
    [[2, 4, 6], 1 / 3, 1 / 2],
    // More relevant images than places: divided by the places.
    [[1, 2, 3, 4, 5, 6, 7], 1, 1],
    [[1, 2, 3, 4, 6, 7, 8], 4 / 5, (4 + 5 / 6 + 6 / 7 + 7 / 8) / 7],
    [[11], 0, 0],
    [[1, unranked], 1 / 2, 1 / 2],
  ])("has average precision of relevant images at %j as computed by hand", (relevantRanks, at5, at10) => {
    expect(scoreUnder("map5", { rank: 1, relevantRanks })).toBeCloseTo(at5, 12);
    expect(scoreUnder("map10", { rank: 1, relevantRanks })).toBeCloseTo(at10, 12);
  });

  it("counts the target's rank for recall, whatever the other relevant images have", () => {
    const places = { rank: 6, relevantRanks: [1, 6] };
    expect(scoreUnder("r5", places)).toBe(0);
    expect(scoreUnder("r10", places)).toBe(1);
  });

  it("has recall in the subset apart from that in the gallery", () => {
    const places = { rank: 400, subsetRank: 2 };
    expect(scoreUnder("subset1", places)).toBe(0);
    expect(scoreUnder("subset2", places)).toBe(1);
    expect(scoreUnder("r50", places)).toBe(0);
  });

  it("says nothing of what a query lacks", () => {
    expect(scoreUnder("subset1", { rank: 1 })).toBeUndefined();
    expect(scoreUnder("map5", { rank: 1, relevantRanks: [] })).toBeUndefined();
  });
});

describe("otherMetrics", () => {
  it("means over queries, in percent, and leaves out what a query lacks", () => {
    const places = [
      { rank: 1, subsetRank: 1, relevantRanks: [1] },
      { rank: 5, subsetRank: 3 },
    ];
    expect(otherMetrics(places, ["map5", "r5", "subset1", "subset3"])).toEqual({
      r5: 100,
      subset1: 50,
      subset3: 100,
    });
    expect(otherMetrics([], ["r5"])).toEqual({});
  });
});

describe("what tables show", () => {
  it("are the metrics that were measured, in one order", () => {
    expect(measuredNames({ r1: 1, r10: 1, r50: 1, subset1: 1, map5: 1 })).toEqual([
      "map5",
      "r1",
      "r10",
      "r50",
      "subset1",
    ]);
  });

  it("and, where there is room for few, those that the data set is compared by", () => {
    expect(headlines(["r10", "r50"])).toEqual(["r10", "r50"]);
    expect(headlines(["r1", "r10", "r50"])).toEqual(["r10", "r50"]);
    expect(headlines(["r5", "subset1"])).toEqual(["r5", "subset1"]);
    expect(headlines(["map5"])).toEqual(["map5"]);
    expect(headlines([])).toEqual(["r10"]);
  });

  it("with a note on what recall alone does not explain", () => {
    expect(labelNotes(["r1", "r10", "r50"])).toBe("");
    expect(labelNotes(["r5", "subset1"])).toBe("Rs@K: recall among the query's subset of similar images");
    expect(labelNotes(["map5", "r5"])).toMatch(/^mAP@K: .*; R@K: of the target alone$/);
  });
});
