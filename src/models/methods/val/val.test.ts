import { describe, expect, it } from "vitest";
import { normalOf, numbersOf } from "../../../../tests/fixtures/drawn-features.js";
import { Input, type Value } from "../../../engine/graph/value.js";
import { constant } from "../../../engine/ops/constant.js";
import { Random } from "../../../engine/tensor/random.js";
import { float32 } from "../../../engine/tensor/tensor.js";
import { ConfigError, ShapeError } from "../../../errors.js";
import { ForwardPass } from "../../../nn/forward-pass.js";
import { featuresOf } from "../../image-encoder.js";
import { createModel } from "../../registry.js";
import { embeddingOf } from "../three-levels.js";
import { MapKernel, ValLevel } from "./level.js";
import { matchingLoss } from "./matching-loss.js";
import type { Val } from "./val.js";

describe("MapKernel", () => {
  it("adds one more row of zeros below and right where the kernel's sides are even, as TensorFlow's SAME", async () => {
    const kernel = new MapKernel({ rows: 2, columns: 2 }, new Random(1));
    kernel.weight.data.set([1, 10, 100, 1000]);
    const out = kernel.forward(constant(float32([1, 4], [1, 2, 3, 4])));
    expect(out.shape).toEqual([1, 1, 2, 2]);
    expect(await numbersOf(out)).toEqual([4321, 402, 43, 4]);
  });

  it("takes maps whose sides differ", async () => {
    const kernel = new MapKernel({ rows: 1, columns: 3 }, new Random(1));
    kernel.weight.data.set([1, 10, 100]);
    expect(await numbersOf(kernel.forward(constant(float32([1, 3], [1, 2, 3]))))).toEqual([210, 321, 32]);
  });
});

describe("ValLevel", () => {
  it("starts as the picture, each element scaled by its gates of 1/4 to 1", async () => {
    const level = new ValLevel({ width: 6, rows: 3, columns: 5 }, 4, new Random(1), {
      heads: 2,
      dropout: 0.1,
    });
    const x = normalOf(2, 2, 15, 6);
    const y = level.forward(constant(x), constant(normalOf(3, 2, 4)), ForwardPass.inference());
    const scales = (await numbersOf(y)).map((value, i) => value / (x.data[i] ?? 0));
    for (const scale of scales) {
      expect(scale).toBeGreaterThan(0.2499);
      expect(scale).toBeLessThan(1);
    }
    expect(new Set(scales.map((scale) => scale.toFixed(3))).size).toBeGreaterThan(10);
  });
});

describe("matchingLoss", () => {
  const t = float32([2, 2], [1, 0, 0, 3]);
  const lossOf = async (q: readonly number[], negatives: "code" | "paper" | "all") => {
    const options = { margin: 0.2, negatives };
    const [loss] = await numbersOf(matchingLoss(constant(float32([2, 2], q)), constant(t), options));
    return loss;
  };

  it("takes the hardest negative that is farther from its own query than the target, by the code's rule", async () => {
    // Cosines 0.6, 0.8; 0, 1: only the first query is nearer to the other target, by 2 · 0.2 of squared distance.
    const q = [6, 8, 0, 1];
    expect(await lossOf(q, "code")).toBeCloseTo((0.4 + 0.2) / 2, 6);
    expect(await lossOf(q, "paper")).toBe(0);
  });

  it("counts a row without negatives as 0, or all of them", async () => {
    const swapped = [0, 1, 1, 0];
    expect(await lossOf(swapped, "code")).toBe(0);
    expect(await lossOf(swapped, "paper")).toBe(0);
    expect(await lossOf(swapped, "all")).toBeCloseTo(2 * 2.2, 6);
  });
});

describe("val", () => {
  const embedDim = 4;
  const build = (imagePx: number, fields: Record<string, unknown> = {}) =>
    createModel(
      "val",
      { backbone: "resnet18", backboneWidth: 1 / 64, embedDim, ...fields },
      { vocabularySize: 3, random: new Random(1), imagePx },
    ) as Val;
  const encoded = (model: Val, px: number, name = "images", pass = ForwardPass.inference()) =>
    model.encodeImages(new Input(name, "float32", [2, 3, px, px]), pass);
  const text = {
    words: new Input("words", "float32", [2, 5, embedDim]),
    sentence: new Input("sentence", "float32", [2, embedDim]),
    mask: new Input("mask", "bool", [2, 5]),
  };

  it("has kernels of the maps that its pictures have, odd sides rounded up", () => {
    const kernels = (imagePx: number) =>
      build(imagePx).composer.levels.map(({ spatial }) => spatial.weight.shape);
    const square = (...sides: number[]) => sides.map((side) => [side, side]);
    expect(kernels(224)).toEqual(square(14, 7, 7));
    expect(kernels(256)).toEqual(square(16, 8, 8));
    expect(kernels(40)).toEqual(square(3, 2, 2));
    for (const imagePx of [32, 33, 40, 72, 100]) {
      const model = build(imagePx);
      const query = model.compose(encoded(model, imagePx), text, ForwardPass.inference());
      expect(query.q.shape).toEqual([2, 3 * embedDim]);
    }
  });

  it("refuses pictures of another size, with the sizes", () => {
    const model = build(64);
    const compose = () => model.compose(encoded(model, 96), text, ForwardPass.inference());
    expect(compose).toThrow(ShapeError);
    expect(compose).toThrow(
      /the spatial kernel is of 4x4 positions, .* give pictures of that size.*\[2, 36\]/,
    );
  });

  it("refuses heads that do not divide the width", () => {
    expect(() => build(64, { embedDim: 5 })).toThrow(ConfigError);
    expect(() => build(64, { embedDim: 5 })).toThrow(
      "heads: embedDim must be a multiple of heads; got embedDim 5, heads 2",
    );
  });

  it("finds a picture by the means of its own levels, not composed", async () => {
    const model = build(64);
    const regions = constant(
      float32(
        [1, 4, 4],
        Array.from({ length: 16 }, (_, i) => (i % 4 === 0 ? 5 : 0)),
      ),
    );
    const levels = ["layer2", "layer3"].map((name) => ({ name, regions, rows: 2, columns: 2 }));
    const features = featuresOf(regions, { rows: 2, columns: 2, levels });
    const { embedding } = model.embedTarget(features, ForwardPass.inference());
    expect(await numbersOf(embedding)).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
  });

  it("adds up the levels' matching losses, each on its own part, where the loss is the authors'", async () => {
    const maps = (seed: number) => [0, 1, 2].map((i) => constant(normalOf(seed + i, 3, 4, embedDim)));
    const [q, t] = [embeddingOf(maps(1)), embeddingOf(maps(11))];
    const model = build(64, { loss: "triplet", negatives: "all", margin: 0.5 });
    const pass = ForwardPass.training();
    const features = encoded(model, 64);
    const [part, ...others] = model.losses(
      {
        composition: { q: q.embedding, parts: q.parts },
        targetEmbedding: t,
        reference: features,
        target: features,
        text,
      },
      pass,
    );
    expect([part?.name, part?.weight, others]).toEqual(["triplet", 1, []]);
    const options = { margin: 0.5, negatives: "all" } as const;
    let expected = 0;
    for (const name of ["level0", "level1", "level2"]) {
      const [loss = 0] = await numbersOf(
        matchingLoss(q.parts[name] as Value, t.parts[name] as Value, options),
      );
      expect(loss).toBeGreaterThan(0);
      expected += loss;
    }
    expect((await numbersOf(part?.value as Value))[0]).toBeCloseTo(expected, 5);
  });
});
