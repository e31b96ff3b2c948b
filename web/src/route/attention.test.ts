import { describe, expect, it } from "vitest";
import { type Attention, heatMap } from "./attention.js";

/** Two words over one row of three regions; what a region attends to sums to 1. */
const attention: Attention = {
  words: ["red", "sleeves"],
  rows: 1,
  columns: 3,
  weights: [
    [0.9, 0.5, 0.3],
    [0.1, 0.5, 0.7],
  ],
};

describe("heatMap", () => {
  it("scales one word's shares from the least to the most", () => {
    const { regions, low, high } = heatMap(attention, 1);
    expect([low, high]).toEqual([0.1, 0.7]);
    expect(regions.map(({ value }) => value)).toEqual([0, expect.closeTo(2 / 3), 1]);
  });

  it("shows for all words how strongly a region attends to any one, and to which", () => {
    const { regions, low, high } = heatMap(attention, undefined);
    expect([low, high]).toEqual([0.5, 0.9]);
    expect(regions.map(({ word }) => word)).toEqual(["red", "red", "sleeves"]);
    expect(regions.map(({ value }) => value)).toEqual([1, 0, expect.closeTo(0.5)]);
  });

  it("is pale everywhere when all regions attend alike", () => {
    const even = { ...attention, weights: [[0.5, 0.5, 0.5]], words: ["red"] };
    expect(heatMap(even, 0).regions.map(({ value }) => value)).toEqual([0, 0, 0]);
  });
});
