import { expect, it } from "vitest";
import { Input } from "../engine/graph/value.js";
import { constant } from "../engine/ops/constant.js";
import { runOnce } from "../engine/runtime/session.js";
import { Random } from "../engine/tensor/random.js";
import { float32 } from "../engine/tensor/tensor.js";
import { Conv1d } from "./conv1d.js";
import { generalisedMean } from "./generalised-mean.js";

/** Two words of two channels. */
const words = [2, 3, 5, 7];

function layer(kernel: number, before: number): Conv1d {
  const result = new Conv1d(2, 1, new Random(1), { kernel, before });
  // W[0, c, k] = 10^k for the first channel, 0.1 · 10^k for the second.
  const weight = [0, 1].flatMap((c) => Array.from({ length: kernel }, (_, k) => 10 ** (k - c)));
  result.weight.data = Float32Array.from(weight);
  result.bias?.data.fill(1000);
  return result;
}

it("looks at places before and after, with zeros beyond the ends", async () => {
  const x = constant(float32([1, 2, 2], words));
  const run = async (conv: Conv1d) => Array.from((await runOnce({ y: conv.forward(x) })).y.data, Number);
  const at = [2.3, 5.7]; // what a tap of weight 1 sees at either word
  const [first = 0, second = 0] = at;
  const three = await run(layer(3, 1));
  expect(three[0]).toBeCloseTo(1000 + 10 * first + 100 * second, 3);
  expect(three[1]).toBeCloseTo(1000 + first + 10 * second, 3);
  const withWordBefore = await run(layer(2, 1));
  expect(withWordBefore[0]).toBeCloseTo(1000 + 10 * first, 3);
  expect(withWordBefore[1]).toBeCloseTo(1000 + first + 10 * second, 3);
});

it("is the same where the number of words is a symbol", async () => {
  const conv = new Conv1d(2, 3, new Random(4), { kernel: 3, before: 1 });
  const fixed = new Input("x", "float32", [1, 2, 2]);
  const open = new Input("x", "float32", ["batch", "words", 2]);
  const feeds = { x: float32([1, 2, 2], words) };
  const { y } = await runOnce({ y: conv.forward(open) }, feeds);
  expect(y.shape).toEqual([1, 2, 3]);
  expect(y.data).toEqual((await runOnce({ y: conv.forward(fixed) }, feeds)).y.data);
});

it("takes a generalised mean between mean and maximum, of the places that count", async () => {
  const x = constant(float32([1, 3, 2], [1, 4, 7, -4, 100, 100]));
  const mask = new Input("mask", "bool", [1, 3]);
  const p = constant(float32([1], [2]));
  const isThere = { mask: { dtype: "bool", shape: [1, 3], data: Uint8Array.of(1, 1, 0) } } as const;
  const { y } = await runOnce({ y: generalisedMean(x, p, mask) }, isThere);
  expect(y.data[0]).toBeCloseTo(5, 4); // sqrt((1 + 49) / 2)
  expect(y.data[1]).toBeCloseTo(Math.sqrt(8), 4); // what is below 1e-6 counts as that
  const { all } = await runOnce({ all: generalisedMean(x, p) });
  expect(all.data[0]).toBeCloseTo(Math.sqrt((1 + 49 + 10_000) / 3), 3);
});
