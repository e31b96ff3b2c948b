import { describe, expect, it } from "vitest";
import { Input } from "../graph/value.js";
import { runOnce } from "../runtime/session.js";
import { Random } from "../tensor/random.js";
import { float32, tensor } from "../tensor/tensor.js";
import { lstm } from "./lstm.js";

const [batch, stepCount, inWidth, width] = [3, 5, 2, 4];
const random = new Random(8);
const draw = (...shape: number[]) =>
  float32(
    shape,
    Array.from({ length: shape.reduce((product, dim) => product * dim, 1) }, () => random.normal()),
  );

const feeds = {
  x: draw(batch, stepCount, inWidth),
  weightIh: draw(4 * width, inWidth),
  weightHh: draw(4 * width, width),
  biasIh: draw(4 * width),
  biasHh: draw(4 * width),
  lengthMask: tensor("bool", [batch, stepCount], Uint8Array.of(1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0)),
};

/** States [batch, T, D], with a symbolic or a fixed batch axis. */
async function states(rows: number | "batch"): Promise<number[]> {
  const given = (name: keyof typeof feeds, isPerText = false) => {
    const { dtype, shape } = feeds[name];
    return new Input(name, dtype, isPerText ? [rows, ...shape.slice(1)] : shape);
  };
  const y = lstm(given("x", true), {
    weightIh: given("weightIh"),
    weightHh: given("weightHh"),
    biasIh: given("biasIh"),
    biasHh: given("biasHh"),
    lengthMask: given("lengthMask", true),
  });
  expect(y.shape).toEqual([rows, stepCount, width]);
  return Array.from((await runOnce({ y }, feeds)).y.data, Number);
}

describe("lstm", () => {
  it("gives in graphs of any batch size what it gives in those of a fixed one, zero at padding", async () => {
    const [fixed, any] = [await states(batch), await states("batch")];
    expect(any.some((value) => Math.abs(value) > 0.1)).toBe(true);
    for (const [i, value] of any.entries())
      expect(value, `element ${i}`).toBeCloseTo(fixed[i] ?? Number.NaN, 5);
    for (let t = 1; t < stepCount; t += 1) {
      const second = (stepCount + t) * width;
      expect(any.slice(second, second + width)).toEqual([0, 0, 0, 0]);
    }
  });
});
