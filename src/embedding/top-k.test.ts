import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { highest, topK } from "./top-k.js";

describe("highest", () => {
  it("gives what sorting gives, equal scores by row", () => {
    const scores = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 40 });
    fc.assert(
      fc.property(scores, fc.nat(45), fc.nat(6), (values, k, hidden) => {
        const expected = [...values.entries()]
          .map(([row, score]) => ({ row, score }))
          .filter(({ score }) => score !== hidden)
          .sort((a, b) => b.score - a.score || a.row - b.row)
          .slice(0, k);
        const isLeftOut = (row: number) => values[row] === hidden;
        expect(highest(Float32Array.from(values), { k, isLeftOut })).toEqual(expected);
      }),
      { numRuns: 500, seed: 3 },
    );
  });
});

describe("topK", () => {
  it("scores by dot products and leaves masked rows out", () => {
    const gallery = Float32Array.from([1, 0, 0, 1, 0.6, 0.8, -1, 0]);
    const found = topK(Float32Array.from([0, 1]), gallery, { k: 2, masked: [1] });
    expect(found.map(({ row }) => row)).toEqual([2, 0]);
    expect(found[0]?.score).toBeCloseTo(0.8, 6);
  });
});
