import { describe, expect, it } from "vitest";
import { paraphraseScores, paraphrasesOf, wordingsOf } from "./paraphrases.js";
import { unranked } from "./recall.js";

const third = 100 / 3;

describe("wordingsOf", () => {
  it("is what is wanted, or what the triplet with the most wordings has", () => {
    const triplet = { reference: "A", target: "B", captions: ["is red"], category: "all" };
    const worded = { ...triplet, paraphrases: [["in red"], ["all red"]] };
    expect(wordingsOf([triplet, worded], 4)).toBe(3);
    expect(wordingsOf([triplet, worded], 2)).toBe(2);
    expect(wordingsOf([triplet, { ...triplet, paraphrases: [] }], 4)).toBe(1);
  });
});

describe("paraphraseScores", () => {
  // Three queries in two wordings: found first in both; found at 10 in one; found in neither.
  const scores = paraphraseScores(
    [
      [1, 20, 60],
      [1, 5, 70],
    ],
    4,
  );

  it("says how recall moves from wording to wording", () => {
    expect(scores).toMatchObject({ queries: 3, of: 4 });
    const [own, other] = scores.byWording;
    expect(own?.r10).toBeCloseTo(third, 12);
    expect(other?.r10).toBeCloseTo(2 * third, 12);
    expect(scores.spread.r1).toEqual({ mean: third, deviation: 0 });
    expect(scores.spread.r10.mean).toBeCloseTo(50, 12);
    // Two values 100 / 3 apart: their sample deviation is that over the root of two.
    expect(scores.spread.r10.deviation).toBeCloseTo(third / Math.SQRT2, 12);
  });

  it("says how many are answered in all wordings, in some and in none", () => {
    expect(scores.answered.r1).toEqual({ all: third, some: 0, none: 2 * third });
    expect(scores.answered.r10).toEqual({ all: third, some: third, none: third });
    expect(scores.answered.r50).toEqual({ all: 2 * third, some: 0, none: third });
  });

  it("says how far a query's ranks lie apart, those that nobody can answer aside", () => {
    expect(scores.rankSpread).toBeCloseTo((0 + 15 + 10) / 3, 12);
    const ranks = [
      [3, unranked],
      [1, unranked],
      [9, unranked],
    ];
    expect(paraphraseScores(ranks, 2).rankSpread).toBe(8);
    expect(paraphraseScores([[unranked], [unranked]], 1).rankSpread).toBeNull();
  });
});

describe("paraphrasesOf", () => {
  it("counts each category once and takes the spread of the means", () => {
    const dress = paraphraseScores([[1], [2]], 1); // R@1 100, then 0
    const shirt = paraphraseScores(
      [
        [2, 2],
        [1, 9],
      ],
      3,
    ); // R@1 0, then 50
    const found = paraphrasesOf(
      new Map([
        ["dress", dress],
        ["shirt", shirt],
      ]),
      2,
    );
    expect(found?.wordings).toBe(2);
    expect(found?.perCategory).toEqual({ dress, shirt });
    expect(found?.mean.byWording.map(({ r1 }) => r1)).toEqual([50, 25]);
    expect(found?.mean.spread.r1.mean).toBe(37.5);
    expect(found?.mean.spread.r1.deviation).toBeCloseTo(25 / Math.SQRT2, 12);
    expect(found?.mean.answered.r1).toEqual({ all: 0, some: 75, none: 25 });
    expect(found?.mean).toMatchObject({ queries: 3, of: 4, rankSpread: (1 + 4) / 2 });
  });

  it("is null where no query has several wordings", () => {
    expect(paraphrasesOf(new Map(), 1)).toBeNull();
  });
});
