import { describe, expect, it } from "vitest";
import { rankHistogram, recallByLength, recallByWord } from "./query-analysis.js";
import { unranked } from "./recall.js";

const query = (text: string, rank: number) => ({ reference: "r", target: "t", text, rank });

describe("rankHistogram", () => {
  it("puts every rank into one bucket, the ends included", () => {
    const buckets = rankHistogram([1, 1, 2, 5, 6, 10, 11, 50, 51, 501, unranked]);
    expect(buckets.map(({ from, to, count }) => [from, to, count])).toEqual([
      [1, 1, 2],
      [2, 5, 2],
      [6, 10, 2],
      [11, 20, 1],
      [21, 50, 1],
      [51, 100, 1],
      [101, 200, 0],
      [201, 500, 0],
      [501, Number.POSITIVE_INFINITY, 2],
    ]);
  });
});

describe("recallByWord", () => {
  it("counts a word once a query, without punctuation, rare words and capitals", () => {
    const words = recallByWord(
      [query("Red red, long", 3), query("red", 30), query("long", 4), query("rare", 1)],
      { minQueries: 2 },
    );
    expect(words).toEqual([
      { word: "red", queries: 2, r10: 50 },
      { word: "long", queries: 2, r10: 100 },
    ]);
  });
  it("has the more frequent of equally hard words first", () => {
    const words = recallByWord([query("a b", 99), query("b", 99)], { minQueries: 1 });
    expect(words.map(({ word }) => word)).toEqual(["b", "a"]);
  });
  it("is empty for no queries", () => {
    expect(recallByWord([], { minQueries: 1 })).toEqual([]);
    expect(recallByLength([])).toEqual([]);
  });
});

describe("recallByLength", () => {
  it("groups by length, equal lengths together", () => {
    const texts = ["a b c", "a", "b", "c", "a b c d"];
    const groups = recallByLength(
      texts.map((text, i) => query(text, i === 2 ? 20 : 1)),
      2,
    );
    expect(groups).toEqual([
      { from: 1, to: 1, queries: 3, r10: (100 * 2) / 3 },
      { from: 3, to: 4, queries: 2, r10: 100 },
    ]);
  });
  it("has no group of a few left over", () => {
    const texts = ["a", "b", "a b", "b a", "a b c"];
    expect(
      recallByLength(
        texts.map((text) => query(text, 1)),
        2,
      ),
    ).toMatchObject([{ from: 1, to: 3, queries: 5 }]);
  });
});
