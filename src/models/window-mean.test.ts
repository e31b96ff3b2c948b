import { expect, it } from "vitest";
import { constant } from "../engine/ops/constant.js";
import { reshape } from "../engine/ops/shape.js";
import { runOnce } from "../engine/runtime/session.js";
import { float32 } from "../engine/tensor/tensor.js";
import { windowMean, windowMeanOfMap } from "./window-mean.js";

/** 1 2 3 / 4 5 6 / 7 8 9 */
const map = constant(float32([1, 9, 1], [1, 2, 3, 4, 5, 6, 7, 8, 9]));
const grid = { rows: 3, columns: 3 };

it("takes the mean of what exists in each window, by hand", async () => {
  const { halved, smoothed, halvedMap } = await runOnce({
    halvedMap: windowMeanOfMap(reshape(map, [1, 1, 3, 3]), { size: 2, stride: 2 }),
    halved: windowMean(map, grid, { size: 2, stride: 2 }),
    smoothed: windowMean(map, grid, { size: 3, stride: 1, before: 1 }),
  });
  expect([...halved.data]).toEqual([3, 4.5, 7.5, 9]);
  expect([...halvedMap.data]).toEqual([3, 4.5, 7.5, 9]);
  expect(halvedMap.shape).toEqual([1, 1, 2, 2]);
  expect([...smoothed.data].map((value) => Math.round(Number(value) * 1000) / 1000)).toEqual([
    3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7,
  ]);
});
