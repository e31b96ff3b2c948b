import { describe, expect, it } from "vitest";
import { Random } from "../engine/tensor/random.js";
import {
  filled,
  kaimingNormalFanOut,
  normal,
  truncatedNormal,
  uniform,
  xavierUniform,
} from "./initial-values.js";

function deviation(values: Float32Array): number {
  return Math.sqrt(values.reduce((total, value) => total + value * value, 0) / values.length);
}

function largest(values: Float32Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

describe("initial values", () => {
  it("fill", () => {
    expect(filled(3)([2, 1])).toEqual(Float32Array.of(3, 3));
  });

  it("are uniform within the bound and reach near it", () => {
    const values = uniform(new Random(1), 0.25)([100, 100]);
    expect(largest(values)).toBeLessThanOrEqual(0.25);
    expect(largest(values)).toBeGreaterThan(0.249);
    expect(deviation(values)).toBeCloseTo(0.25 / Math.sqrt(3), 2);
  });

  it("are normal with the deviation asked for", () => {
    expect(deviation(normal(new Random(2), 0.5)([10_000]))).toBeCloseTo(0.5, 1);
  });

  it("have the deviation asked for after they were cut at two of the normal's own", () => {
    const values = truncatedNormal(new Random(2), 0.5)([50_000]);
    expect(deviation(values)).toBeCloseTo(0.5, 2);
    expect(largest(values)).toBeLessThanOrEqual(2 * (0.5 / 0.8796));
  });

  it("follow Kaiming's deviation by fan-out: sqrt(2 / (8 · 9))", () => {
    expect(deviation(kaimingNormalFanOut(new Random(3))([8, 150, 3, 3]))).toBeCloseTo(1 / 6, 2);
  });

  it("follow Xavier's bound: sqrt(6 / (30 + 120))", () => {
    expect(largest(xavierUniform(new Random(4))([120, 30]))).toBeCloseTo(0.2, 3);
  });

  it("are the same for the same seed", () => {
    expect(normal(new Random(5), 1)([7])).toEqual(normal(new Random(5), 1)([7]));
  });
});
