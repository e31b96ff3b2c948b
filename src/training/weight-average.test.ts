import { describe, expect, it } from "vitest";
import { Random } from "../engine/tensor/random.js";
import { WeightsError } from "../errors.js";
import { Linear } from "../nn/linear.js";
import { WeightAverage } from "./weight-average.js";

describe("the weight average", () => {
  it("follows its formula, with a short memory at first", () => {
    const model = new Linear(1, 1, new Random(1));
    model.weight.data = Float32Array.of(2);
    const average = new WeightAverage(model, 0.3);
    let expected = 2;
    for (const [i, value] of [4, -1, 8, 3].entries()) {
      model.weight.data = Float32Array.of(value);
      const step = i + 1;
      average.update(step);
      const k = Math.min(0.3, (1 + step) / (10 + step)); // 2/11, 3/12, then 0.3
      expected = k * expected + (1 - k) * value;
    }
    expect(average.tensors().get("weight")?.data[0]).toBeCloseTo(expected, 5);
    expect(model.weight.data[0]).toBe(3);
  });

  it("is the model's value for as long as something is done with it, also when that fails", async () => {
    const model = new Linear(1, 1, new Random(1));
    model.weight.data = Float32Array.of(2);
    const average = new WeightAverage(model, 0.5);
    model.weight.data = Float32Array.of(7);
    expect(await average.during(async () => model.weight.data[0])).toBe(2);
    await expect(average.during(() => Promise.reject(new RangeError("no")))).rejects.toThrow(RangeError);
    expect(model.weight.data[0]).toBe(7);
    expect(average.tensors().get("weight")?.data[0]).toBe(2);
  });

  it("continues from what was saved, and refuses another model's", () => {
    const average = new WeightAverage(new Linear(2, 1, new Random(1)), 0.5);
    const saved = new WeightAverage(new Linear(2, 1, new Random(2)), 0.5).tensors();
    average.restore(saved);
    expect(average.tensors()).toEqual(saved);
    const other = new WeightAverage(new Linear(3, 1, new Random(1)), 0.5).tensors();
    expect(() => average.restore(other)).toThrow(WeightsError);
  });
});
