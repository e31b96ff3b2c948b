import { expect, it } from "vitest";
import { Input } from "../engine/graph/value.js";
import { not } from "../engine/ops/comparison.js";
import { constant } from "../engine/ops/constant.js";
import { concat, slice } from "../engine/ops/shape.js";
import { runOnce } from "../engine/runtime/session.js";
import { Random } from "../engine/tensor/random.js";
import { float32, type Tensor } from "../engine/tensor/tensor.js";
import { ForwardPass } from "./forward-pass.js";
import { MultiHeadAttention } from "./multi-head-attention.js";
import { ProjectedAttention } from "./projected-attention.js";

const [batch, length, keys, width] = [2, 3, 5, 8];
const random = new Random(7);
const drawn = (...shape: number[]) =>
  constant(
    float32(
      shape,
      Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.normal()),
    ),
  );

it("is MultiHeadAttention with its projections cut into layers", async () => {
  const packed = new MultiHeadAttention(width, 2, random);
  const layers = new ProjectedAttention(width, random, { heads: 2 });
  const thirds = [layers.query, layers.key, layers.value];
  packed.in_proj_bias.data = packed.in_proj_bias.data.map(() => random.normal());
  for (const [i, layer] of thirds.entries()) {
    layer.weight.data = packed.in_proj_weight.data.slice(i * width * width, (i + 1) * width * width);
    if (layer.bias) layer.bias.data = packed.in_proj_bias.data.slice(i * width, (i + 1) * width);
  }
  layers.out?.loadStateDict(packed.out_proj.stateDict());
  const inputs = {
    query: drawn(batch, length, width),
    key: drawn(batch, keys, width),
    value: drawn(batch, keys, width),
  };
  const padding = constant({
    dtype: "bool",
    shape: [batch, keys],
    data: Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 1, 1, 1),
  });
  const keyMask = not(padding);
  const { ours, expected } = await runOnce({
    ours: layers.forward(inputs, ForwardPass.inference(), { keyMask }),
    expected: packed.forward(inputs, { keyMask }).y,
  });
  for (const [i, value] of [...expected.data].entries())
    expect(Number(ours.data[i])).toBeCloseTo(Number(value), 5);
});

it("sees only what stands before a place where it is causal, and of that only what the mask leaves", async () => {
  const layer = new ProjectedAttention(width, random, { heads: 2 });
  const [places, pass] = [4, ForwardPass.inference()];
  const x = drawn(1, places, width);
  const keyMask = constant({ dtype: "bool", shape: [1, places], data: Uint8Array.of(1, 0, 1, 1) });
  const first = (count: number) => slice(x, { axis: 1, start: 0, end: count });
  const without = concat([first(1), slice(x, { axis: 1, start: 2, end: places })], { axis: 1 });
  const { causal, masked, ...parts } = await runOnce({
    causal: layer.forward({ query: x, key: x, value: x }, pass, { isCausal: true }),
    masked: layer.forward({ query: x, key: x, value: x }, pass, { isCausal: true, keyMask }),
    two: layer.forward({ query: first(2), key: first(2), value: first(2) }, pass),
    all: layer.forward({ query: x, key: without, value: without }, pass),
  });
  const row = (tensor: Tensor | undefined, i: number) =>
    [...(tensor?.data ?? [])].slice(i * width, (i + 1) * width).map(Number);
  for (const [i, value] of row(parts.two, 1).entries()) expect(row(causal, 1)[i]).toBeCloseTo(value, 5);
  for (const [i, value] of row(parts.all, 3).entries()) expect(row(masked, 3)[i]).toBeCloseTo(value, 5);
  expect(row(masked, 0)).toEqual(row(causal, 0));
});

it("refuses heads that do not divide the width", () => {
  expect(() => new ProjectedAttention(8, random, { heads: 3 })).toThrow(/heads must divide the width/);
});

it("drops attention weights in training only", () => {
  const layer = new ProjectedAttention(width, random, { heads: 2, hasOut: false, dropout: 0.1 });
  const x = new Input("x", "float32", [batch, length, width]);
  const pass = ForwardPass.training();
  expect(layer.forward({ query: x, key: x, value: x }, pass).shape).toEqual([batch, length, width]);
  expect(pass.dropoutMasks).toHaveLength(1);
  expect(layer.out).toBeUndefined();
});
