import { describe, expect, it } from "vitest";
import { numbersOf } from "../../../tests/fixtures/drawn-features.js";
import type { Value } from "../../engine/graph/value.js";
import { constant } from "../../engine/ops/constant.js";
import { Random } from "../../engine/tensor/random.js";
import { float32, tensor } from "../../engine/tensor/tensor.js";
import { ForwardPass } from "../../nn/forward-pass.js";
import type { CompositionModel } from "../composition-model.js";
import { featuresOf } from "../image-encoder.js";
import { createModel } from "../registry.js";

const tiny = { backbone: "resnet18", backboneWidth: 1 / 64, wordDim: 1 };

function build(name: string, config: Record<string, unknown>): CompositionModel {
  return createModel(name, { ...tiny, ...config }, { vocabularySize: 3, random: new Random(3), imagePx: 64 });
}

/** Gives parameters the values that are named; those of the same layer that are not are 0. */
function set(model: CompositionModel, values: Readonly<Record<string, readonly number[]>>): void {
  for (const [name, parameter] of model.state()) {
    const given = values[name];
    if (given) parameter.data = Float32Array.from(given);
    else if (/^(blocks|film|out)\./.test(name) && !name.includes("running_")) parameter.data.fill(0);
  }
}

/** The graph of q for regions [1, N, D] in one row or as given, and a sentence [1, D]. */
function query(
  model: CompositionModel,
  regions: readonly (readonly number[])[],
  {
    sentence,
    rows = 1,
    pass = ForwardPass.inference(),
  }: { sentence: readonly number[]; rows?: number; pass?: ForwardPass },
): Value {
  const value = (shape: readonly number[], data: readonly number[]) =>
    constant(float32([...shape], [...data]));
  const width = sentence.length;
  const grid = { rows, columns: regions.length / rows };
  const image = featuresOf(value([1, regions.length, width], regions.flat()), grid);
  const s = value([1, width], sentence);
  const text = { sentence: s, words: s, mask: constant(tensor("bool", [1, 1], Uint8Array.of(1))) };
  return model.compose(image, text, pass).q;
}

describe("mrn", () => {
  it("has the text on the shortcut, and leads the image through two layers", async () => {
    const model = build("mrn", { embedDim: 1 });
    const block = { shortcut: 2, text: 3, image1: 0.5, image2: -1 };
    set(
      model,
      Object.fromEntries(Object.entries(block).map(([name, w]) => [`blocks.0.${name}.weight`, [w]])),
    );
    const [x, s] = [0.7, 0.2];
    const [q] = await numbersOf(query(model, [[x]], { sentence: [s] }));
    expect(q).toBeCloseTo(2 * s + Math.tanh(3 * s) * Math.tanh(-Math.tanh(0.5 * x)), 6);
  });

  it("drops before each of four layers of a block, and before the last", () => {
    const model = build("mrn", { embedDim: 3, blocks: 2, out: "linear" });
    const pass = ForwardPass.training();
    query(model, [[1, 2, 3]], { sentence: [4, 5, 6], pass });
    expect(pass.dropoutMasks.map(({ keepProbability }) => keepProbability)).toEqual(Array(9).fill(0.5));
  });
});

describe("film", () => {
  it("modulates what batch norm gives by 1 + the text's gamma, and adds the shortcut from behind the projection", async () => {
    const model = build("film", { embedDim: 1, blocks: 1 });
    set(model, {
      "film.weight": [0.5, 0.25],
      "blocks.0.project.weight": [2, 0.1, 0.01], // region, column, row
      "blocks.0.conv.weight": [0, 0, 0, 0, 3, 10, 0, 0, 0], // itself, and its neighbour on the right
    });
    const [s, x] = [2, [1, 1.5]];
    const y = [2 * 1 - 0.1 - 0.01, 2 * 1.5 + 0.1 - 0.01]; // the only row is at -1
    const conv = [3 * (y[0] ?? 0) + 10 * (y[1] ?? 0), 3 * (y[1] ?? 0)];
    const out = y.map(
      (value, n) => value + (1 + 0.5 * s) * ((conv[n] ?? 0) / Math.sqrt(1 + 1e-5)) + 0.25 * s,
    );
    const [q] = await numbersOf(
      query(
        model,
        x.map((value) => [value]),
        { sentence: [s] },
      ),
    );
    expect(q).toBeCloseTo(((out[0] ?? 0) + (out[1] ?? 0)) / 2, 4);
  });

  it("knows where regions lie: two rows of three are another picture than three of two", async () => {
    const model = build("film", { embedDim: 3 });
    const random = new Random(8);
    const regions = Array.from({ length: 6 }, () => Array.from({ length: 3 }, () => random.normal()));
    const [wide, high] = [2, 3].map((rows) => query(model, regions, { sentence: [1, 2, 3], rows }));
    const [a, b] = [await numbersOf(wide as Value), await numbersOf(high as Value)];
    expect(a.some((value, d) => Math.abs(value - (b[d] ?? 0)) > 1e-3)).toBe(true);
  });
});

describe("concat", () => {
  it("drops before the last layer, and nowhere else", () => {
    const pass = ForwardPass.training();
    query(build("concat", { embedDim: 3 }), [[1, 2, 3]], { sentence: [4, 5, 6], pass });
    expect(pass.dropoutMasks.map(({ input }) => input.shape)).toEqual([[1, 6]]);
  });
});
