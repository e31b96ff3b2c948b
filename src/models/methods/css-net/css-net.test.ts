import { describe, expect, it } from "vitest";
import { normalOf, numbersOf } from "../../../../tests/fixtures/drawn-features.js";
import { Input, type Value } from "../../../engine/graph/value.js";
import { constant } from "../../../engine/ops/constant.js";
import { slice } from "../../../engine/ops/shape.js";
import { Random } from "../../../engine/tensor/random.js";
import { float32, type Tensor, tensor } from "../../../engine/tensor/tensor.js";
import { ConfigError } from "../../../errors.js";
import { ForwardPass } from "../../../nn/forward-pass.js";
import { featuresOf, type ImageFeatures } from "../../image-encoder.js";
import { createModel } from "../../registry.js";
import type { CssNet } from "./css-net.js";
import { voteLosses } from "./losses.js";
import { TextCompositor } from "./text-compositor.js";
import { voteWeights } from "./voters.js";

const pass = ForwardPass.inference();

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

describe("TextCompositor", () => {
  it("gives values worked by hand, of the words that count", async () => {
    const compositor = new TextCompositor({ words: 1, head: 1 }, new Random(1));
    const values: Readonly<Record<string, readonly number[]>> = {
      "sentence_norm.weight": [Math.sqrt(1 + 1e-5)],
      "sentence_norm.running_var": [1],
      "sentence_fc.weight": [3],
      "sentence_fc.bias": [1],
      "img_fc.weight": [2],
      "img_fc.bias": [-1],
      "key.weight": [0.5],
      "all.weight": [10, 1],
      "value.weight": [2],
      "norm.weight": [Math.sqrt(1 + 1e-5)],
      "norm.running_var": [1],
      "fc.weight": [-1],
      "fc.bias": [4],
    };
    for (const [name, { data }] of compositor.state()) data.set(values[name] ?? [0]);
    const text = {
      words: constant(float32([1, 3, 1], [1, -2, 7])),
      mask: constant(tensor("bool", [1, 3], Uint8Array.of(1, 1, 0))),
    };
    expect((await numbersOf(compositor.sentence(text, pass)))[0]).toBeCloseTo(3 * -0.5 + 1, 5);
    // r = 1.5: h = 2, k_l · h = w_l, A [w_l ; r] = 10 w_l + 1.5
    const changed = [1, -2].map((w) => w + 2 * sigmoid(w) * (10 * w + 1.5));
    const mean = changed.reduce((total, y) => total + y, 0) / 2;
    const found = await numbersOf(compositor.forward(text, constant(float32([1, 1], [1.5])), pass));
    expect(found[0]).toBeCloseTo(4 - mean, 4);
  });
});

describe("voteLosses", () => {
  it("add a classification for each vote, and what keeps both image compositors from their mixture", async () => {
    const names = Object.keys(voteWeights);
    const of = (seed: number) =>
      Object.fromEntries(names.map((name, i) => [name, constant(normalOf(seed + i, 3, 2))]));
    const [q, t] = [of(1), of(11)];
    const losses = voteLosses(q, t);
    expect(losses.map(({ name, weight }) => [name, weight])).toEqual([
      ["image-layer4", 1],
      ["image-layer3", 1],
      ["text-layer4", 1],
      ["text-layer3", 1],
      ["consensus", 1],
    ]);
    const rows = async (vote: string) => {
      const [a, b] = [await numbersOf(q[vote] as Value), await numbersOf(t[vote] as Value)];
      const row = (x: number[], i: number) => x.slice(2 * i, 2 * i + 2) as [number, number];
      return [0, 1, 2].map((i) =>
        [0, 1, 2].map((j) => row(a, i)[0] * row(b, j)[0] + row(a, i)[1] * row(b, j)[1]),
      );
    };
    const softmax = (x: number[]) => {
      const e = x.map(Math.exp);
      const total = e.reduce((sum, value) => sum + value, 0);
      return e.map((value) => value / total);
    };
    const divergence = (p: number[], r: number[]) =>
      p.reduce((sum, value, j) => sum + value * Math.log(value / (r[j] ?? Number.NaN)), 0);
    const [s4, s3] = [await rows("image.layer4"), await rows("image.layer3")];
    const perRow = s4.map((row4, i) => {
      const row3 = s3[i] as number[];
      const agreed = softmax(row4.map((value, j) => 0.1 * value + 10 * (row3[j] ?? Number.NaN)));
      return divergence(agreed, softmax(row4)) + divergence(agreed, softmax(row3));
    });
    const expected = perRow.reduce((sum, value) => sum + value, 0) / 3;
    expect((await numbersOf(losses[4]?.value as Value))[0]).toBeCloseTo(expected, 4);
  });
});

describe("css-net", () => {
  const embedDim = 4;
  const build = (imagePx = 64) =>
    createModel(
      "css-net",
      { backbone: "resnet18", backboneWidth: 1 / 64, embedDim, heads: 2 },
      { vocabularySize: 3, random: new Random(1), imagePx },
    ) as CssNet;
  const picture = (seed: number, seedOfLayer3 = seed): ImageFeatures =>
    featuresOf(constant(normalOf(seed, 2, 4, embedDim)), {
      rows: 2,
      columns: 2,
      levels: [
        {
          name: "layer3",
          regions: constant(normalOf(seedOfLayer3 + 50, 2, 16, embedDim)),
          rows: 4,
          columns: 4,
        },
      ],
    });
  const words = normalOf(7, 2, 5, embedDim);
  const text = (of: Tensor<"float32">) => ({
    words: constant(of),
    sentence: new Input("sentence", "float32", [2, embedDim]),
    mask: constant(tensor("bool", [2, 5], Uint8Array.of(1, 1, 1, 1, 1, 1, 0, 0, 0, 0))),
  });

  it("ranks by the sum of the votes, the first counting twice", async () => {
    const model = build();
    const composition = model.compose(picture(1), text(words), pass);
    const target = model.embedTarget(picture(2), pass);
    const [q, t] = [await numbersOf(composition.q), await numbersOf(target.embedding)];
    expect(q).toHaveLength(2 * 4 * embedDim);
    const dot = (a: readonly number[], b: readonly number[]) =>
      a.reduce((total, value, d) => total + value * (b[d] ?? Number.NaN), 0);
    const weights = { "image.layer4": 1, "image.layer3": 0.5, "text.layer4": 0.5, "text.layer3": 0.5 };
    let score = 0;
    for (const [name, weight] of Object.entries(weights)) {
      const [ofQ, ofT] = [
        await numbersOf(slice(composition.parts?.[name] as Value, { axis: 0, start: 0, end: 1 })),
        await numbersOf(slice(target.parts?.[name] as Value, { axis: 0, start: 1, end: 2 })),
      ];
      expect(Math.hypot(...ofQ)).toBeCloseTo(4, 5);
      expect(Math.hypot(...ofT)).toBeCloseTo(4, 5);
      score += weight * dot(ofQ, ofT);
    }
    const width = 4 * embedDim;
    expect(16 * dot(q.slice(0, width), t.slice(width))).toBeCloseTo(score, 4);
  });

  it("looks at no padding: other words there change nothing", async () => {
    const model = build();
    const other = float32([2, 5, embedDim], words.data.slice());
    other.data.fill(9, (5 + 1) * embedDim);
    const [a, b] = [
      await numbersOf(model.compose(picture(1), text(words), pass).q),
      await numbersOf(model.compose(picture(1), text(other), pass).q),
    ];
    expect(b).toEqual(a);
    other.data.fill(9, 5 * embedDim);
    expect(await numbersOf(model.compose(picture(1), text(other), pass).q)).not.toEqual(a);
  });

  it("lets each level vote by its own map", async () => {
    const model = build();
    const votesOf = async (features: ImageFeatures) => {
      const { parts = {} } = model.compose(features, text(words), pass);
      return Object.fromEntries(
        await Promise.all(
          Object.keys(parts).map(async (name) => [name, await numbersOf(parts[name] as Value)]),
        ),
      );
    };
    const [before, after] = [await votesOf(picture(1)), await votesOf(picture(1, 9))];
    const changed = Object.keys(voteWeights).filter((name) => `${before[name]}` !== `${after[name]}`);
    expect(changed).toEqual(["image.layer3", "text.layer3"]);
  });

  it("refuses pictures of one region, as its image compositors must", () => {
    expect(() => build(32)).toThrow(ConfigError);
    expect(() => build(32)).toThrow(/imagePx: the last map of resnet18 has 1x1 positions/);
  });
});
