import { describe, expect, it } from "vitest";
import { averaged } from "./training-series.js";

describe("averaged", () => {
  it("keeps points that are few enough as they are", () => {
    expect(
      averaged(
        [
          [1, 5],
          [2, 7],
        ],
        2,
      ),
    ).toEqual([
      [1, 5],
      [2, 7],
    ]);
  });
  it("averages neighbours in equal groups, the last one smaller", () => {
    expect(
      averaged(
        [
          [1, 2],
          [2, 4],
          [3, 6],
          [4, 8],
          [5, 1],
        ],
        3,
      ),
    ).toEqual([
      [1.5, 3],
      [3.5, 7],
      [5, 1],
    ]);
  });
  it("leaves out values that are not finite instead of spreading them", () => {
    expect(
      averaged(
        [
          [1, Number.NaN],
          [2, 4],
          [3, 6],
        ],
        1,
      ),
    ).toEqual([[2.5, 5]]);
  });
  it("gives nothing for nothing", () => {
    expect(averaged([], 10)).toEqual([]);
  });
});
