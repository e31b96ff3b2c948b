import { describe, expect, it } from "vitest";
import {
  imageFeatures,
  modelOf,
  normalTensor,
  numbersOf,
  padded,
  textFeatures,
} from "../../../tests/fixtures/drawn-features.js";
import { Random } from "../../engine/tensor/random.js";
import { float32 } from "../../engine/tensor/tensor.js";
import { ForwardPass } from "../../nn/forward-pass.js";
import type { Eer } from "./eer.js";

const random = new Random(1);
const pass = ForwardPass.inference();

describe("EER", () => {
  it("gives values worked by hand", async () => {
    const model = modelOf<Eer>("eer", { embedDim: 1, semantics: 2 });
    const ln3 = Math.log(3);
    const values: Record<string, readonly number[]> = {
      "mix.bias": [0, ln3], // shares 1/4, 3/4
      "suppressImage.bias": [0, ln3], // gates 1/2, 3/4
      "value.weight": [3],
    };
    for (const [name, { data }] of model.state()) data.set(values[name] ?? data.map(() => 0));
    const text = textFeatures(float32([1, 2, 1], [2, 99]), [1]);
    const { q, erased, added, keep } = model.steps(imageFeatures(float32([1, 2, 1], [16, 32])).regions, text);
    for (const value of await numbersOf(keep)) expect(value).toBeCloseTo(11 / 16, 6);
    expect(await numbersOf(erased)).toEqual([16.5]); // of 11 and 22
    expect(await numbersOf(added)).toEqual([3]); // half of three times the one word
    expect(await numbersOf(q)).toEqual([19.5]);
  });

  it("erases little at the start, and gives the same query whatever padding follows", async () => {
    const model = modelOf<Eer>("eer", { embedDim: 6 });
    const [regions, words] = [normalTensor(random, [2, 5, 6]), normalTensor(random, [2, 3, 6])];
    const { keep } = model.steps(imageFeatures(regions).regions, textFeatures(words, [3, 1]));
    const kept = await numbersOf(keep);
    expect(kept.reduce((sum, value) => sum + value) / kept.length).toBeGreaterThan(0.8);
    const queryOf = (text: typeof words) =>
      numbersOf(model.compose(imageFeatures(regions), textFeatures(text, [3, 1])).q);
    const [short, long] = [await queryOf(words), await queryOf(padded(words, 2))];
    for (const [i, value] of long.entries()) expect(value).toBeCloseTo(short[i] ?? Number.NaN, 5);
  });

  it("wants what is kept and what is added each to point to the target", async () => {
    const model = modelOf<Eer>("eer", { embedDim: 2, semantics: 1, keepBias: 40, alignmentWeight: 2 });
    for (const layer of [model.suppressImage.weight, model.suppressText.weight]) layer.data.fill(0);
    for (const { data } of model.value.parameters()) data.fill(0);
    // All is kept, nothing is added: e is x, which is t, and r points nowhere.
    const image = imageFeatures(float32([2, 1, 2], [1, 0, 0, 1]));
    const text = textFeatures(normalTensor(random, [2, 3, 2]), [3, 1]);
    const composition = model.compose(image, text);
    const targetEmbedding = model.embedTarget(image, pass);
    const features = { composition, reference: image, text, target: image, targetEmbedding };
    const [classification, alignment] = model.losses(features, pass);
    expect([classification?.weight, alignment?.name, alignment?.weight]).toEqual([1, "alignment", 2]);
    const sure = Math.log(1 + Math.exp(-10));
    const [value] = alignment ? await numbersOf(alignment.value) : [];
    expect(value).toBeCloseTo((sure + Math.LN2) / 2, 6);
  });
});
