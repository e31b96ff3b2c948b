import { describe, expect, it } from "vitest";
import {
  imageFeatures,
  modelOf,
  normalTensor,
  numbersOf,
  textFeatures,
} from "../../../tests/fixtures/drawn-features.js";
import { Random } from "../../engine/tensor/random.js";
import { ForwardPass } from "../../nn/forward-pass.js";
import type { Tirg } from "../baselines/tirg.js";
import type { Datir } from "./datir.js";

const random = new Random(1);
const [batch, width] = [3, 6];
const model = modelOf<Datir>("datir", { embedDim: width, heads: 2, dropout: 0, attentionWeight: 0.3 });
const [reference, target] = [0, 1].map(() => imageFeatures(normalTensor(random, [batch, 4, width]))) as [
  ReturnType<typeof imageFeatures>,
  ReturnType<typeof imageFeatures>,
];
const text = textFeatures(normalTensor(random, [batch, 3, width]), [3, 1, 2]);

describe("DATIR", () => {
  it("composes as TIRG with the same parameters, whose names have no prefix there", async () => {
    const tirg = modelOf<Tirg>("tirg", { embedDim: width });
    const ofFusion = [...model.fusion.state()];
    for (const [name, { data }] of ofFusion) {
      const own = tirg.state().get(name);
      expect(own, name).toBeDefined();
      own?.data.set(data);
    }
    expect(ofFusion).toHaveLength(
      [...tirg.state().keys()].filter((name) => !/^(image|text|scale)/.test(name)).length,
    );
    const pass = ForwardPass.inference();
    const expected = await numbersOf(tirg.compose(reference, text, pass).q);
    expect(await numbersOf(model.compose(reference, text, pass).q)).toEqual(expected);
  });

  it("adds two bounds of mutual information, of which a batch of one has a part", async () => {
    const pass = ForwardPass.inference();
    const features = (from: typeof reference, of: typeof target, words: typeof text) => {
      const composition = model.compose(from, words, pass);
      const targetEmbedding = model.embedTarget(of, pass);
      return model.losses({ composition, reference: from, text: words, target: of, targetEmbedding }, pass);
    };
    const parts = features(reference, target, text);
    expect(parts.map(({ name, weight }) => [name, weight])).toEqual([
      ["classification", 1],
      ["attention", 0.3],
      ["hierarchy", 0.1],
    ]);
    // Critics that know nothing: ln 2 for what belongs together, and ln 2 for what does not.
    for (const critic of [model.textCritic, model.regionCritic, model.embeddingCritic])
      for (const { data } of critic.parameters()) data.fill(0);
    for (const { value } of features(reference, target, text).slice(1))
      expect((await numbersOf(value))[0]).toBeCloseTo(2 * Math.LN2, 5);
    const single = imageFeatures(normalTensor(random, [1, 4, width]));
    const word = textFeatures(normalTensor(random, [1, 1, width]), [1]);
    for (const { value } of features(single, single, word).slice(1))
      expect((await numbersOf(value))[0]).toBeCloseTo(Math.LN2, 5);
  });
});
