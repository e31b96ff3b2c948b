import { describe, expect, it } from "vitest";
import { unranked } from "./recall.js";
import { categoryResult, meanOf } from "./result.js";

describe("categoryResult", () => {
  it("counts ranks within 1, 10 and 50, and those that cannot be", () => {
    expect(categoryResult([1, 10, 50, 51, unranked], 99)).toEqual({
      r1: 20,
      r10: 40,
      r50: 60,
      queries: 5,
      gallery: 99,
      unanswerable: 1,
    });
  });
});

describe("meanOf", () => {
  it("counts each category once, however many queries it has", () => {
    const few = categoryResult([1], 9);
    const many = categoryResult([20, 20, 60, 60], 99);
    expect(meanOf([few, many])).toEqual({ r1: 50, r10: 50, r50: 75, r10r50: 62.5 });
  });
});
