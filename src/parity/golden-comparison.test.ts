import { expect, it } from "vitest";
import { float32 } from "../engine/tensor/tensor.js";
import { GoldenComparison } from "./golden-comparison.js";
import { leastShareOfGradients } from "./tolerances.js";

it("measures a gradient that is zero by its equations against the largest one, not against itself", () => {
  const tensors = new Map([
    ["grad/large", float32([1], [10])],
    ["grad/zero", float32([1], [0])],
  ]);
  const errorOf = (value: number, leastShare = 0) => {
    const comparison = new GoldenComparison("method", { tensors, metadata: {}, storedTypes: new Map() });
    comparison.compare("grad/zero", float32([1], [value]), { family: "gradients", leastShare });
    return comparison.errors().gradients?.error ?? Number.NaN;
  };
  expect(errorOf(9e-7, leastShareOfGradients)).toBeCloseTo(9e-5, 8);
  expect(errorOf(11e-7, leastShareOfGradients)).toBeGreaterThan(1e-4);
  expect(errorOf(9e-7)).toBeGreaterThan(1e-4);
});
