import { describe, expect, it } from "vitest";
import { constant } from "../../engine/ops/constant.js";
import { runOnce } from "../../engine/runtime/session.js";
import { Random } from "../../engine/tensor/random.js";
import { float32, type Tensor } from "../../engine/tensor/tensor.js";
import { ConfigError } from "../../errors.js";
import { createModel } from "../registry.js";
import { CosmoComposer } from "./cosmo.js";

/** Fills parameters by name; what is not named becomes 0. */
function fill(composer: CosmoComposer, values: Readonly<Record<string, readonly number[]>>): void {
  for (const [name, { data }] of composer.state()) data.set(values[name] ?? data.map(() => 0));
}

async function mapOf(composer: CosmoComposer, regions: Tensor, sentence: Tensor): Promise<number[]> {
  const { map } = composer.forward(constant(regions), constant(sentence));
  return Array.from((await runOnce({ map })).map.data, Number);
}

describe("CosmoComposer", () => {
  it("gives values worked by hand", async () => {
    const composer = new CosmoComposer(1, 1, new Random(1), { heads: 1 });
    const one = [1];
    fill(composer, {
      "fuse.weight": [1, 0],
      "query.weight": one,
      "key.weight": one,
      "value.weight": one,
      "out.weight": one,
      "style.weight": [1, 2],
    });
    // X = 1, 3: mean 2, deviation 1, c = -1, 1. Scores of region 0: 1, -1, so softmax + 1/2 each, and A V = -tanh 1.
    const y = [-1 - Math.tanh(1), 1 + Math.tanh(1)];
    const found = await mapOf(composer, float32([1, 2, 1], [1, 3]), float32([1, 1], [0.5]));
    // p1 = 0.5, p2 = 1
    for (const [i, value] of found.entries()) expect(value).toBeCloseTo(1.5 * (y[i] ?? Number.NaN) + 3, 4);
  });

  it("adds what the unary term says of each region, wherever one looks from", async () => {
    const composer = new CosmoComposer(1, 1, new Random(1), { heads: 1 });
    fill(composer, {
      "fuse.weight": [1, 0],
      "unary.weight": [1],
      "value.weight": [1],
      "out.weight": [1],
    });
    // Scores are 0: the mean of V, 0, plus softmax(-1, 1) · (-1, 1) = tanh 1; p = 0, so that z = c + tanh 1 + 2.
    const found = await mapOf(composer, float32([1, 2, 1], [1, 3]), float32([1, 1], [9]));
    expect(found[0]).toBeCloseTo(1 + Math.tanh(1), 4);
    expect(found[1]).toBeCloseTo(3 + Math.tanh(1), 4);
  });

  it("leaves a picture as it is where content and style change nothing", async () => {
    const composer = new CosmoComposer(6, 5, new Random(2), { heads: 3 });
    for (const layer of [composer.out, composer.style]) {
      layer.weight.data.fill(0);
      layer.bias?.data.fill(0);
    }
    const random = new Random(3);
    const values = (count: number) => Array.from({ length: count }, () => random.normal());
    const regions = float32([2, 4, 6], values(48));
    const found = await mapOf(composer, regions, float32([2, 5], values(10)));
    for (const [i, value] of found.entries()) expect(value).toBeCloseTo(regions.data[i] ?? Number.NaN, 5);
  });
});

describe("cosmo", () => {
  const build = (imagePx: number, heads = 2) =>
    createModel(
      "cosmo",
      { backbone: "resnet18", backboneWidth: 1 / 64, embedDim: 4, heads },
      { vocabularySize: 3, random: new Random(1), imagePx },
    );

  it("refuses pictures of one region, and heads that do not divide the width", () => {
    expect(() => build(32)).toThrow(ConfigError);
    expect(() => build(32)).toThrow(
      "imagePx: the last map of resnet18 has 1x1 positions, and one region less its own mean is 0; got imagePx 32; set it to 33 or more",
    );
    expect(() => build(64, 3)).toThrow(
      "heads: embedDim must be a multiple of heads; got embedDim 4, heads 3",
    );
    expect(() => build(33)).not.toThrow();
  });
});
