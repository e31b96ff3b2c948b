import { expect, it } from "vitest";
import { constant } from "../engine/ops/constant.js";
import { runOnce } from "../engine/runtime/session.js";
import { float32 } from "../engine/tensor/tensor.js";
import { softmaxPool } from "./softmax-pool.js";

const x = constant(float32([1, 3, 2], [1, 10, 3, 30, 5, 50]));
const third = Math.log(3);
const mask = constant({ dtype: "bool", shape: [1, 3], data: Uint8Array.of(1, 1, 0) });

it("weighs by the softmax of each row of scores", async () => {
  const scores = constant(float32([1, 2, 3], [0, 0, 0, 0, -100, third]));
  const { y } = await runOnce({ y: softmaxPool(scores, x) });
  expect(y.shape).toEqual([1, 2, 2]);
  const expected = [3, 30, 4, 40]; // 1/4 of the first and 3/4 of the last
  for (const [i, value] of Array.from(y.data, Number).entries())
    expect(value).toBeCloseTo(expected[i] ?? 0, 4);
});

it("leaves out what is masked, and takes one row of scores", async () => {
  const { y } = await runOnce({ y: softmaxPool(constant(float32([1, 3], [0, third, 100])), x, mask) });
  expect(y.shape).toEqual([1, 2]);
  expect(Number(y.data[0])).toBeCloseTo(2.5, 5);
  expect(Number(y.data[1])).toBeCloseTo(25, 4);
});
