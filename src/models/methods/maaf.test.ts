import { describe, expect, it } from "vitest";
import { numbersOf } from "../../../tests/fixtures/drawn-features.js";
import { gradients } from "../../engine/autodiff/gradients.js";
import type { Value } from "../../engine/graph/value.js";
import { constant } from "../../engine/ops/constant.js";
import { sum } from "../../engine/ops/reduce.js";
import { Random } from "../../engine/tensor/random.js";
import { float32, tensor } from "../../engine/tensor/tensor.js";
import { ConfigError } from "../../errors.js";
import { ForwardPass } from "../../nn/forward-pass.js";
import { featuresOf, type ImageFeatures } from "../image-encoder.js";
import { createModel } from "../registry.js";
import type { TextFeatures } from "../text-encoder.js";
import type { Maaf } from "./maaf.js";

const inference = ForwardPass.inference();

function build(config: Record<string, unknown> = {}): Maaf {
  const tiny = {
    backbone: "resnet18",
    backboneWidth: 1 / 64,
    wordDim: 1,
    embedDim: 2,
    heads: 1,
    ffnWidth: 3,
  };
  const surroundings = { vocabularySize: 3, random: new Random(3), imagePx: 64 };
  return createModel("maaf", { ...tiny, ...config }, surroundings) as Maaf;
}

const rows = (values: readonly (readonly number[])[]): Value =>
  constant(float32([1, values.length, values[0]?.length ?? 0], values.flat()));

/** Of two levels. */
function image(low: readonly (readonly number[])[], high: readonly (readonly number[])[]): ImageFeatures {
  const regions = rows(low);
  const levels = [{ name: "layer3", regions, rows: low.length, columns: 1 }];
  return featuresOf(rows(high), { rows: high.length, columns: 1, levels });
}

/** Of which the first `count` are words. */
function text(words: readonly (readonly number[])[], count: number): TextFeatures {
  const mask = Uint8Array.from(words, (_, t) => (t < count ? 1 : 0));
  const value = rows(words);
  return { words: value, sentence: value, mask: constant(tensor("bool", [1, words.length], mask)) };
}

const picture = image(
  [
    [3, 1],
    [0, 4],
    [0, 1],
    [2, 5],
  ],
  [[7, 1]],
);

describe("maaf", () => {
  it("averages the levels alike and the valid words, and those two alike", async () => {
    const model = build();
    for (const block of model.blocks) {
      for (const layer of [block.attention.out, block.ffn2]) {
        layer?.weight.data.fill(0);
        layer?.bias?.data.fill(0);
      }
    }
    // What is left is the norm: [a, b] -> ±1 / sqrt(2), as the deviation of two numbers is |a - b| / sqrt(2).
    const unit = Math.SQRT1_2;
    const ofLow = (unit - 3 * unit) / 4; // one of four regions has the larger first
    const ofImage = (ofLow + unit) / 2;
    const ofWords = -unit;
    const { q } = model.compose(
      picture,
      text(
        [
          [0, 2],
          [0, 0],
        ],
        1,
      ),
      inference,
    );
    const [first, second] = await numbersOf(q);
    expect(first).toBeCloseTo((ofImage + ofWords) / 2, 5);
    expect(second).toBeCloseTo(-(ofImage + ofWords) / 2, 5);
    const { embedding } = model.embedTarget(picture, inference);
    expect((await numbersOf(embedding))[0]).toBeCloseTo(ofImage, 5);
  });

  it("does not look at padding", async () => {
    const model = build({ embedDim: 4, heads: 2 });
    const regions = [
      [1, 2, 4, 0],
      [0, 1, 1, 3],
    ];
    const ofText = (words: readonly (readonly number[])[]) =>
      numbersOf(model.compose(image(regions, regions), text(words, 2), inference).q);
    const words = [
      [1, 2, 0, 5],
      [4, -1, 3, 1],
    ];
    const expected = await ofText(words);
    const padded = await ofText([...words, [0, 0, 0, 0], [5, 9, -7, 1]]);
    for (const [d, value] of padded.entries()) expect(value).toBeCloseTo(expected[d] ?? Number.NaN, 5);
  });

  it("finds a picture by what its blocks make of it: every parameter of theirs has a gradient", async () => {
    const model = build({ embedDim: 4, heads: 2 });
    const regions = [
      [1, 2, 4, 0],
      [0, 1, 1, 3],
    ];
    const { embedding } = model.embedTarget(image(regions, regions), inference);
    const weights = model.blocks.flatMap((block) => [block.attention.value.weight, block.ffn1.weight]);
    const found = gradients(sum(embedding), weights);
    for (const gradient of found) {
      const values = await numbersOf(gradient);
      expect(values.every(Number.isFinite)).toBe(true);
      expect(values.some((value) => value !== 0)).toBe(true);
    }
  });

  it("has one level, or two; heads that divide the width, which is 2 or more", () => {
    expect(build({ levels: [4] }).image.levels).toEqual({});
    expect(() => build({ levels: [2, 4] })).toThrow(/levels: must be \[3, 4\] or \[4\]; got \[2,4\]/);
    expect(() => build({ heads: 3 })).toThrow(ConfigError);
    expect(() => build({ embedDim: 1 })).toThrow(/embedDim: must be 2 or more/);
  });
});
