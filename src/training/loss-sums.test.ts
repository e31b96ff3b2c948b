import { describe, expect, it } from "vitest";
import { meanLoss, noLosses, withLoss } from "./loss-sums.js";

describe("mean losses", () => {
  it("are of the parts that steps have, whatever their names", () => {
    const one = withLoss(noLosses, { total: 3, classification: 1, margin: 2 });
    const two = withLoss(one, { total: 5, classification: 3, margin: 4 });
    expect(meanLoss(two)).toEqual({ total: 4, classification: 2, margin: 3 });
    expect(Object.keys(meanLoss(two))).toEqual(["total", "classification", "margin"]);
    expect(meanLoss(noLosses)).toEqual({ total: 0 });
  });

  it("continue from a checkpoint of an older version, which has zeros for parts that the model lacks", () => {
    const older = { count: 1, sums: { total: 3, classification: 3, distillation: 0, consistency: 0 } };
    expect(meanLoss(withLoss(older, { total: 1, classification: 1 }))).toEqual({
      total: 2,
      classification: 2,
    });
  });
});
