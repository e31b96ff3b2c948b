import { expect, it } from "vitest";
import { gradients } from "../autodiff/gradients.js";
import { Parameter } from "../graph/value.js";
import { runOnce } from "../runtime/session.js";
import { Random } from "../tensor/random.js";
import { float32 } from "../tensor/tensor.js";
import { multiply } from "./arithmetic.js";
import { constant } from "./constant.js";
import { sum } from "./reduce.js";
import { softmax } from "./softmax.js";

it("has a gradient that sums to zero along the axis, however large what its weights have in common is", async () => {
  const random = new Random(4);
  const [rows, length] = [50, 9];
  const logits = Float32Array.from({ length: rows * length }, () => random.normal());
  const weights = Float32Array.from({ length: rows * length }, () => 1000 + random.normal());
  const x = new Parameter([rows, length], logits);
  const loss = sum(multiply(softmax(x, { axis: 1 }), constant(float32([rows, length], [...weights]))));
  const [found] = gradients(loss, [x]);
  const { dx } = await runOnce({ dx: found ?? loss });
  for (let row = 0; row < rows; row += 1) {
    const of = dx.data.slice(row * length, (row + 1) * length);
    expect(Math.abs(Array.from(of, Number).reduce((total, value) => total + value, 0))).toBeLessThan(1e-6);
  }
});
