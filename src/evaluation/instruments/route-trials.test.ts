import { describe, expect, it } from "vitest";
import { Random } from "../../engine/tensor/random.js";
import { chosenRanks, oracleRanks, routeTrials } from "./route-trials.js";

const count = 60;
const repeated = (of: (i: number) => number) => Array.from({ length: count }, (_, i) => of(i));

describe("routeTrials", () => {
  it("compares query by query: equal ranks differ by nothing, whatever queries are drawn", () => {
    const own = repeated((i) => (i % 3 === 0 ? 1 : 20));
    const [same, better] = routeTrials(
      own,
      [
        { name: "own", ranks: own },
        { name: "found", ranks: repeated(() => 5) },
      ],
      new Random(1),
    );
    expect(same).toMatchObject({ difference: 0, interval: { low: 0, high: 0 } });
    expect(same?.r1).toBeCloseTo(100 / 3, 9);
    expect(better).toMatchObject({ r1: 0, r10: 100, r50: 100 });
    // Two of three gain R@10, one of three loses R@1, all have R@50.
    expect(better?.difference).toBeCloseTo((200 / 3 - 100 / 3) / 3, 9);
    expect(better?.interval.low).toBeGreaterThan(-5);
    expect(better?.interval.low).toBeLessThan(9);
    expect(better?.interval.high).toBeGreaterThan(13);
    expect(better?.interval.high).toBeLessThan(25);
  });
});

describe("oracleRanks", () => {
  it("takes each query's best", () => {
    expect(
      oracleRanks([
        [3, Number.POSITIVE_INFINITY],
        [1, 7],
        [2, 9],
      ]),
    ).toEqual([1, 7]);
  });
});

describe("chosenRanks", () => {
  const good = repeated((i) => (i % 2 === 0 ? 1 : 100));
  const other = repeated((i) => (i % 2 === 0 ? 100 : 1));

  it("finds what is best for each group where groups differ, and cannot where all are one", () => {
    const groups = repeated((i) => i % 2).map(String);
    expect(chosenRanks([good, other], groups, new Random(2))).toEqual(repeated(() => 1));
    const forAll = chosenRanks([good, other], repeated(() => 0).map(String), new Random(2));
    expect(forAll.filter((rank) => rank === 1).length).toBeLessThan(count);
  });

  it("does not gain by choosing on the queries that it is used on", () => {
    // Each candidate is right on one query alone: what was best on one half is wrong on all of the other.
    const candidates = repeated((i) => i).map((i) => repeated((j) => (i === j ? 1 : 100)));
    const ranks = chosenRanks(candidates, repeated(() => 0).map(String), new Random(3));
    expect(ranks).toEqual(repeated(() => 100));
    expect(oracleRanks(candidates)).toEqual(repeated(() => 1));
  });

  it("lets groups that are too small take what is best for all", () => {
    const groups = repeated((i) => i).map(String);
    const best = repeated(() => 2);
    expect(chosenRanks([good, best, other], groups, new Random(4))).toEqual(
      chosenRanks([good, best, other], repeated(() => 0).map(String), new Random(4)),
    );
  });
});
