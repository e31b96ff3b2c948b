import { describe, expect, it } from "vitest";
import { planQuery } from "./lance-plan.js";

const total = 1_000_000;
const planOf = (fitting: number, more: object = {}) =>
  planQuery({ partitions: 1000, fitting, total, wanted: 50, ...more });

describe("planQuery", () => {
  it("compares every item where few fit or there is no vector index", () => {
    expect(planOf(20_000).plan).toBe("exact");
    expect(planOf(total, { partitions: undefined }).plan).toBe("exact");
  });

  it("looks at every partition under a filter, with the more candidates the more items fit", () => {
    expect(planOf(20_001)).toEqual({ plan: "all partitions", probes: 1000, refine: 40 });
    expect(planOf(640_000)).toEqual({ plan: "all partitions", probes: 1000, refine: 160 });
    expect(planOf(940_000).plan).toBe("all partitions");
    expect(planOf(20_001, { wanted: 1 }).refine).toBe(2000);
    expect(planOf(20_001, { wanted: 1000 }).refine).toBe(5);
  });

  it("looks at some partitions otherwise, at all where there are few", () => {
    expect(planOf(total - 1)).toEqual({ plan: "some partitions", probes: 64, refine: 5 });
    expect(planOf(total, { partitions: 128 })).toMatchObject({ plan: "all partitions", probes: 128 });
    expect(planOf(total, { wanted: 10 }).refine).toBe(25);
    expect(planOf(total, { wanted: 500 }).refine).toBe(5);
  });
});
