import { describe, expect, it } from "vitest";
import { unranked } from "./recall.js";
import { shortcutScores, shortcutsOf } from "./shortcuts.js";

describe("shortcutScores", () => {
  it("counts queries that either half answers among the first K, and recall on the others apart", () => {
    // Ranks of five queries:        picture  words  both
    // 1. the picture alone           1        90     1
    // 2. the words at ten            60       7      30
    // 3. neither before fifty        51       51     1
    // 4. neither at all              99       88     12
    // 5. nobody                      -        -      -
    const picture = [1, 60, 51, 99, unranked];
    const words = [90, 7, 51, 88, unranked];
    expect(shortcutScores([1, 30, 1, 12, unranked], { picture, words })).toEqual({
      picture: { r1: 20, r10: 20, r50: 20 },
      words: { r1: 0, r10: 20, r50: 20 },
      either: { r1: 20, r10: 40, r50: 40 },
      // At 1 the queries 2 to 5 are left, one of them found; at 10 and 50 the last three: one found by 10, two by 50.
      rest: { r1: 25, r10: 100 / 3, r50: 200 / 3 },
    });
  });

  it("has no recall on the rest where there is none", () => {
    const { rest } = shortcutScores([5, 5], { picture: [1, 11], words: [40, 2] });
    expect(rest).toEqual({ r1: 0, r10: null, r50: null });
  });
});

describe("shortcutsOf", () => {
  it("counts each category once, and the rest of those that have one", () => {
    const all = shortcutScores([1, 1], { picture: [1, 1], words: [2, 2] });
    const half = shortcutScores([1, 3, 1, 1], { picture: [2, 2, 1, 1], words: [2, 2, 9, 9] });
    const { perCategory, mean } = shortcutsOf(
      new Map([
        ["dress", all],
        ["shirt", half],
      ]),
    );
    expect(perCategory).toEqual({ dress: all, shirt: half });
    expect(mean).toEqual({
      picture: { r1: 75, r10: 100, r50: 100 },
      words: { r1: 0, r10: 100, r50: 100 },
      either: { r1: 75, r10: 100, r50: 100 },
      rest: { r1: 50, r10: null, r50: null },
    });
  });
});
