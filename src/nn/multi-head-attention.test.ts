import { describe, expect, it } from "vitest";
import { Input, type Value } from "../engine/graph/value.js";
import { runOnce } from "../engine/runtime/session.js";
import { Random } from "../engine/tensor/random.js";
import { float32, type Tensor, tensor } from "../engine/tensor/tensor.js";
import { ShapeError } from "../errors.js";
import { MultiHeadAttention } from "./multi-head-attention.js";

/** Width 2, two heads of width 1; every projection is the identity. */
function identityAttention(): MultiHeadAttention {
  const layer = new MultiHeadAttention(2, 2, new Random(3));
  layer.in_proj_weight.data.set([1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1]);
  layer.out_proj.weight.data.set([1, 0, 0, 1]);
  return layer;
}

const query: Tensor = float32([1, 1, 2], [2, -1]);
const keys: Tensor = float32([1, 3, 2], [1, 1, 0, 2, 50, -60]);
const values: Tensor = float32([1, 3, 2], [4, 8, 6, 2, 100, 100]);
const mask: Tensor = tensor("bool", [1, 3], Uint8Array.of(1, 1, 0));

describe("MultiHeadAttention", () => {
  it("attends in each head by itself, and not to masked keys", async () => {
    const inputs = {
      query: new Input("query", "float32", ["batch", 1, 2]),
      key: new Input("key", "float32", ["batch", 3, 2]),
      value: new Input("value", "float32", ["batch", 3, 2]),
    };
    const keyMask = new Input("mask", "bool", ["batch", 3]);
    const { y, weights } = await runOnce(identityAttention().forward(inputs, { keyMask }), {
      query,
      key: keys,
      value: values,
      mask,
    });
    // head 0: scores 2·1, 2·0; head 1: scores -1·1, -1·2
    const head0 = 1 / (1 + Math.exp(-2));
    const head1 = 1 / (1 + Math.exp(-1));
    expect(weights.shape).toEqual([1, 2, 1, 3]);
    for (const [i, value] of [head0, 1 - head0, 0, head1, 1 - head1, 0].entries())
      expect(weights.data[i]).toBeCloseTo(value, 5);
    expect(y.data[0]).toBeCloseTo(4 * head0 + 6 * (1 - head0), 5);
    expect(y.data[1]).toBeCloseTo(8 * head1 + 2 * (1 - head1), 5);
  });

  it("divides scores by the root of the head's width", async () => {
    const layer = new MultiHeadAttention(2, 1, new Random(3));
    layer.in_proj_weight.data.set(identityAttention().in_proj_weight.data);
    const x = new Input("x", "float32", [1, 3, 2]);
    const key = new Input("key", "float32", [1, 1, 2]);
    const near = float32([1, 3, 2], [1, 1, 0, 2, 1, -1]);
    const { weights } = await runOnce(layer.forward({ query: key, key: x, value: x }), {
      x: near,
      key: query,
    });
    const powers = [1, -2, 3].map((score) => Math.exp(score / Math.SQRT2));
    const total = powers.reduce((sum, power) => sum + power, 0);
    for (const [i, power] of powers.entries()) expect(weights.data[i]).toBeCloseTo(power / total, 5);
  });

  it("gives the same whether equal sources are projected together or apart", async () => {
    const layer = new MultiHeadAttention(6, 3, new Random(5));
    const random = new Random(6);
    const data = float32(
      [5, 7, 6],
      Array.from({ length: 210 }, () => random.normal()),
    );
    const input = (name: string): Value => new Input(name, "float32", ["batch", 7, 6]);
    const [x, twin, third] = [input("x"), input("twin"), input("third")];
    const { together, pair, apart } = await runOnce(
      {
        together: layer.forward({ query: x, key: x, value: x }).y,
        pair: layer.forward({ query: x, key: twin, value: twin }).y,
        apart: layer.forward({ query: x, key: twin, value: third }).y,
      },
      { x: data, twin: data, third: data },
    );
    for (const [i, value] of [...apart.data].entries()) {
      expect(together.data[i]).toBeCloseTo(Number(value), 5);
      expect(pair.data[i]).toBeCloseTo(Number(value), 5);
    }
  });

  it("starts as PyTorch's: Xavier for the packed weight, zero biases", () => {
    const layer = new MultiHeadAttention(8, 2, new Random(9));
    expect([...layer.state().keys()]).toEqual([
      "in_proj_weight",
      "in_proj_bias",
      "out_proj.weight",
      "out_proj.bias",
    ]);
    expect(Math.max(...layer.in_proj_weight.data)).toBeLessThanOrEqual(Math.sqrt(6 / 32));
    expect(layer.in_proj_bias.data.every((value) => value === 0)).toBe(true);
    expect(layer.out_proj.bias?.data.every((value) => value === 0)).toBe(true);
  });

  it("refuses a width that heads do not divide", () => {
    const x = new Input("x", "float32", [1, 2, 6]);
    const layer = new MultiHeadAttention(6, 4, new Random(1));
    expect(() => layer.forward({ query: x, key: x, value: x })).toThrow(ShapeError);
  });
});
