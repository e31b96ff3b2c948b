import { describe, expect, it } from "vitest";
import { ShapeError } from "../../errors.js";
import { GradientSums } from "./gradient-sums.js";

function measured(...batches: number[][]) {
  const sums = new GradientSums();
  for (const batch of batches)
    sums.add([Float32Array.from(batch.slice(0, 1)), Float32Array.from(batch.slice(1))]);
  return sums.measure();
}

describe("GradientSums", () => {
  it("has the root of the mean square over batches, all parameters together", () => {
    expect(measured([3, 0, 4], [0, 0, 1]).norm).toBeCloseTo(Math.sqrt((25 + 1) / 2), 12);
  });

  it("finds equal gradients in full agreement, opposite ones in none, and perpendicular ones at 0", () => {
    expect(measured([1, 2, 3], [1, 2, 3], [1, 2, 3]).agreement).toBeCloseTo(1, 12);
    expect(measured([1, 2, 3], [-1, -2, -3]).agreement).toBeCloseTo(-1, 12);
    expect(measured([1, 0, 0], [0, 2, 0], [0, 0, 3]).agreement).toBeCloseTo(0, 12);
  });

  it("says nothing on agreement from one batch, or where nothing arrives", () => {
    expect(measured([1, 2, 3])).toEqual({ norm: Math.sqrt(14), agreement: null });
    expect(measured([0, 0, 0], [0, 0, 0])).toEqual({ norm: 0, agreement: null });
    expect(() => new GradientSums().measure()).toThrow("there is no batch");
  });

  it("refuses gradients of other parameters", () => {
    const sums = new GradientSums();
    sums.add([new Float32Array(2)]);
    expect(() => sums.add([new Float32Array(3)])).toThrow(ShapeError);
    expect(() => sums.add([new Float32Array(2), new Float32Array(2)])).toThrow(ShapeError);
  });
});
