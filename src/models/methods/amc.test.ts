import { describe, expect, it } from "vitest";
import { numbersOf } from "../../../tests/fixtures/drawn-features.js";
import { constant } from "../../engine/ops/constant.js";
import { Random } from "../../engine/tensor/random.js";
import { float32, tensor } from "../../engine/tensor/tensor.js";
import { ConfigError } from "../../errors.js";
import { ForwardPass } from "../../nn/forward-pass.js";
import { featuresOf } from "../image-encoder.js";
import { createModel } from "../registry.js";
import { type Amc, amcLosses } from "./amc.js";

function build(config: Record<string, unknown> = {}): Amc {
  const tiny = {
    backbone: "resnet18",
    backboneWidth: 1 / 64,
    wordDim: 1,
    embedDim: 2,
    heads: 1,
    routerWidth: 1,
  };
  const surroundings = { vocabularySize: 3, random: new Random(3), imagePx: 64 };
  return createModel("amc", { ...tiny, ...config }, surroundings) as Amc;
}

const values = (shape: readonly number[], data: readonly number[]) =>
  constant(float32([...shape], [...data]));

describe("amc", () => {
  it("weighs residual, attention and style by gates that need not sum to 1", async () => {
    const model = build({ layers: 1 });
    const given: Record<string, readonly number[]> = {
      "router.norm.bias": [1], // the hidden layer is 1, so that the gates are those of fc2
      "router.fc2.weight": [0, Math.log(3), -Math.log(3)], // 1/2, 3/4, 1/4
      "attention.value.bias": [0, 1], // attention is [0, 1] everywhere, normed [-1, 1]
      "attention.norm2.weight": [0, 0],
      "style.beta.bias": [3, 1], // normed [1, -1]
    };
    for (const [name, parameter] of model.layers[0]?.state() ?? []) {
      parameter.data = Float32Array.from(given[name] ?? new Float32Array(parameter.data.length));
    }
    const regions = values([1, 2, 2], [4, 0, 0, 6]); // normed [1, -1] and [-1, 1]
    const s = values([1, 2], [5, 7]);
    const text = { sentence: s, words: s, mask: constant(tensor("bool", [1, 1], Uint8Array.of(1))) };
    const pass = ForwardPass.inference();
    const { q } = model.compose(featuresOf(regions, { rows: 1, columns: 2 }), text, pass);
    // Regions: 1/2 · [1, -1] + [-1/2, 1/2] = [0, 0], and 1/2 · [-1, 1] + [-1/2, 1/2] = [-1, 1].
    const [first, second] = await numbersOf(q);
    expect(first).toBeCloseTo(-0.5, 3);
    expect(second).toBeCloseTo(0.5, 3);
  });

  it("starts query, key and value as copies of one layer, each its own from then on", () => {
    const [layer] = build({ embedDim: 4, heads: 2 }).layers;
    const { query, key, value } = layer?.attention ?? {};
    expect(key?.weight.data).toEqual(query?.weight.data);
    expect(value?.bias?.data).toEqual(query?.bias?.data);
    expect(key?.weight.data).not.toBe(query?.weight.data);
  });

  it("compares how queries lie to each other with how targets do", async () => {
    const [q0, q1, t] = [
      [1, 0, 2, 2],
      [3, 1, 0, -1],
      [1, 1, 0, 5],
    ];
    const { gram } = amcLosses([values([2, 2], q0), values([2, 2], q1)], values([2, 2], t), 10);
    const cosine = (a: readonly number[], b: readonly number[]) =>
      a.reduce((sum, x, d) => sum + x * (b[d] ?? 0), 0) / (Math.hypot(...a) * Math.hypot(...b));
    const ofQueries = cosine([1, 0, 3, 1], [2, 2, 0, -1]);
    const ofTargets = cosine([1, 1], [0, 5]);
    expect((await numbersOf(gram))[0]).toBeCloseTo((2 * (ofQueries - ofTargets) ** 2) / 4, 6);
  });

  it("refuses heads that do not divide the width", () => {
    expect(() => build({ embedDim: 6, heads: 4 })).toThrow(ConfigError);
  });
});
