import { describe, expect, it } from "vitest";
import { numbersOf } from "../../../../tests/fixtures/drawn-features.js";
import { topologicalOrder } from "../../../engine/graph/traversal.js";
import type { Value } from "../../../engine/graph/value.js";
import { constant } from "../../../engine/ops/constant.js";
import { Random } from "../../../engine/tensor/random.js";
import { float32, tensor } from "../../../engine/tensor/tensor.js";
import { ForwardPass } from "../../../nn/forward-pass.js";
import { featuresOf, type ImageFeatures } from "../../image-encoder.js";
import { createModel } from "../../registry.js";
import type { TextFeatures } from "../../text-encoder.js";
import type { ComqueryFormer } from "./comqueryformer.js";

const pass = ForwardPass.inference();
const [batch, width, regionCount] = [2, 4, 3];

function build(config: Record<string, unknown> = {}): ComqueryFormer {
  const tiny = { backbone: "resnet18", backboneWidth: 1 / 32, wordDim: 1, embedDim: width, heads: 2 };
  const surroundings = { vocabularySize: 3, random: new Random(3), imagePx: 64 };
  return createModel("comqueryformer", { ...tiny, regionCount, ...config }, surroundings) as ComqueryFormer;
}

const random = new Random(11);

function drawn(...shape: number[]): Value {
  const count = shape.reduce((product, length) => product * length, 1);
  return constant(
    float32(
      shape,
      Array.from({ length: count }, () => random.normal()),
    ),
  );
}

/** Maps that are no squares, with the channels of the tiny backbone. */
function picture(): ImageFeatures {
  const levels = [
    { name: "layer2", regions: drawn(batch, 6, 4), rows: 2, columns: 3 },
    { name: "layer3", regions: drawn(batch, 6, 8), rows: 3, columns: 2 },
  ];
  return featuresOf(drawn(batch, 2, width), { rows: 1, columns: 2, levels });
}

/** Three places, of which the first two are words. */
function text(words: Value): TextFeatures {
  const mask = constant(tensor("bool", [batch, 3], Uint8Array.of(1, 1, 0, 1, 1, 0)));
  return { words, sentence: words, mask };
}

describe("comqueryformer", () => {
  it("ranks by one vector as by the sum over its parts: lengths are the same for every query and picture", async () => {
    const model = build();
    model.composer.global_scale.data.fill(2);
    for (const [l, pool] of model.composer.regions_query.entries()) pool.region_scale.data.fill(l + 1);
    const { q, parts = {} } = model.compose(picture(), text(drawn(batch, 3, width)), pass);
    const { embedding } = model.embedTarget(picture(), pass);
    expect(q.shape).toEqual([batch, 3 * (1 + regionCount) * width]);
    expect(embedding.shape).toEqual(q.shape);
    expect(Object.keys(parts)).toEqual(["global0", "local0", "global1", "local1", "global2", "local2"]);
    const square = (length: number) => 2 ** 2 + regionCount * length ** 2;
    const expected = Math.sqrt(square(1) + square(2) + square(3));
    const values = await numbersOf(q);
    const row = values.length / batch;
    for (let b = 0; b < batch; b += 1) {
      expect(Math.hypot(...values.slice(b * row, (b + 1) * row))).toBeCloseTo(expected, 4);
    }
  });

  it("does not look at padding, on either side", async () => {
    const model = build();
    const reference = picture();
    const words = [1, 2, 3, 4, 0, 1, 0, 2].map((value) => value / 2);
    const withPadding = async (...padding: readonly number[]) => {
      const all = Array.from({ length: batch }, () => words.concat(padding)).flat();
      return numbersOf(model.compose(reference, text(constant(float32([batch, 3, width], all))), pass).q);
    };
    const zeros = await withPadding(0, 0, 0, 0);
    const others = await withPadding(9, -9, 5, 7);
    for (const [i, value] of others.entries()) expect(value).toBeCloseTo(zeros[i] ?? Number.NaN, 5);
  });

  it("finds a picture without the transformer, and composes without the text side's last layer", () => {
    const model = build({ layers: 2 });
    const { composer } = model;
    const ofTarget = new Set(topologicalOrder([model.embedTarget(picture(), pass).embedding]));
    const layers = [...composer.image_layers, ...composer.text_layers];
    expect(layers.flatMap((layer) => layer.parameters()).some((value) => ofTarget.has(value))).toBe(false);
    expect(composer.regions_query.flatMap((pool) => pool.parameters()).some((p) => ofTarget.has(p))).toBe(
      false,
    );
    const ofQuery = new Set(
      topologicalOrder([model.compose(picture(), text(drawn(batch, 3, width)), pass).q]),
    );
    const used = composer.text_layers.map((layer) => layer.parameters().some((value) => ofQuery.has(value)));
    expect(used).toEqual([true, false]);
  });

  it("averages layer2 to layer3's size, and takes two levels or three", () => {
    const names = (model: ComqueryFormer) => model.composer.image_in.length;
    expect([names(build()), names(build({ levels: [3, 4] }))]).toEqual([3, 2]);
    expect(() => build({ levels: [4] })).toThrow(/levels: must be \[2, 3, 4\] or \[3, 4\]; got \[4\]/);
    expect(() => build({ transformerWidth: 9 })).toThrow(/must be a multiple of heads; got 9, heads 2/);
  });
});
