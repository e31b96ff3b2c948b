import { describe, expect, it } from "vitest";
import {
  imageFeatures,
  modelOf,
  normalTensor,
  numbersOf,
  padded,
  textFeatures,
} from "../../../tests/fixtures/drawn-features.js";
import { topologicalOrder } from "../../engine/graph/traversal.js";
import { Random } from "../../engine/tensor/random.js";
import { float32 } from "../../engine/tensor/tensor.js";
import { ForwardPass } from "../../nn/forward-pass.js";
import type { FashionVlp } from "./fashionvlp.js";

const random = new Random(1);
const pass = ForwardPass.inference();
const [batch, width] = [2, 6];
const model = modelOf<FashionVlp>("fashionvlp", { embedDim: width, heads: 2, parts: 3 });
const regions = normalTensor(random, [batch, 4, width]);
const words = normalTensor(random, [batch, 3, width]);
const queryOf = (text: typeof words, lengths: readonly number[]) =>
  numbersOf(model.compose(imageFeatures(regions), textFeatures(text, lengths), pass).q);

describe("FashionVLP", () => {
  it("gives a target's embedding worked by hand", async () => {
    const one = modelOf<FashionVlp>("fashionvlp", { embedDim: 1, heads: 1, parts: 2 });
    const values: Record<string, readonly number[]> = {
      "position.weight": [Math.log(3) / 2], // 1/4 and 3/4 of regions 1 and 3
      "project.weight": [5],
      "project.bias": [1],
    };
    for (const [name, { data }] of one.state()) data.set(values[name] ?? data.map(() => 0));
    const { embedding } = one.embedTarget(imageFeatures(float32([1, 2, 1], [1, 3])));
    // The whole is 2.5, the parts are means, 2; both count alike.
    expect((await numbersOf(embedding))[0]).toBeCloseTo(5 * 2.25 + 1, 5);
  });

  it("finds targets without the transformer, so that a gallery can be stored", () => {
    const { embedding } = model.embedTarget(imageFeatures(regions));
    const used = new Set(topologicalOrder([embedding]));
    const ofTransformer = model.layers.flatMap((block) => block.parameters());
    expect(ofTransformer.some((parameter) => used.has(parameter))).toBe(false);
  });

  it("gives the same query whatever padding follows the words, and no place to a word but by its state", async () => {
    const short = await queryOf(words, [3, 2]);
    const swapped = float32(words.shape, words.data);
    swapped.data.set(words.data.subarray(width, 2 * width), 0);
    swapped.data.set(words.data.subarray(0, width), width);
    for (const other of [await queryOf(padded(words, 4), [3, 2]), await queryOf(swapped, [3, 2])])
      for (const [i, value] of other.entries()) expect(value).toBeCloseTo(short[i] ?? Number.NaN, 5);
    expect(await queryOf(words, [3, 1])).not.toEqual(short);
  });
});
