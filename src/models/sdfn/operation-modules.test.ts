import { describe, expect, it } from "vitest";
import { normalOf } from "../../../tests/fixtures/drawn-features.js";
import { Input } from "../../engine/graph/value.js";
import { runOnce } from "../../engine/runtime/session.js";
import { Random } from "../../engine/tensor/random.js";
import { float32, type Tensor, tensor } from "../../engine/tensor/tensor.js";
import { ForwardPass } from "../../nn/forward-pass.js";
import type { TextFeatures } from "../text-encoder.js";
import { CrossAttentionModule } from "./cam.js";
import { parseSdfnConfig, type SdfnConfigInput } from "./config.js";
import { GlobalTransformModule } from "./gtm.js";
import { JointReasoningModule } from "./jrm.js";
import type { OperationModule } from "./operation-module.js";
import { ResidualConnectionModule } from "./rcm.js";

const [batch, regionCount, wordCount, width] = [2, 5, 3, 6];
const x = new Input("x", "float32", ["batch", regionCount, width]);
const text: TextFeatures = {
  words: new Input("words", "float32", ["batch", wordCount, width]),
  sentence: new Input("sentence", "float32", ["batch", width]),
  mask: new Input("mask", "bool", ["batch", wordCount]),
};

function configOf(given: SdfnConfigInput = {}) {
  return parseSdfnConfig({ embedDim: width, heads: 2, ...given });
}

const regions = normalOf(1, batch, regionCount, width);
const words = normalOf(2, batch, wordCount, width);
const sentence = normalOf(3, batch, width);
const mask = tensor("bool", [batch, wordCount], Uint8Array.of(1, 1, 0, 1, 0, 0));

/** Output on the tensors above, with changes; feeds what the module looks at. */
async function outputOf(module: OperationModule, changed: Record<string, Tensor> = {}): Promise<number[]> {
  const { y } = module.forward(x, text, ForwardPass.inference());
  const all: Record<string, Tensor> = { x: regions, words, sentence, mask, ...changed };
  const used = {
    JointReasoningModule: ["x", "sentence"],
    CrossAttentionModule: ["x", "words", "mask"],
    GlobalTransformModule: ["x", "sentence"],
    ResidualConnectionModule: ["x"],
  }[module.constructor.name];
  const feeds = Object.fromEntries((used ?? []).map((name) => [name, all[name] as Tensor]));
  return Array.from((await runOnce({ y }, feeds)).y.data, Number);
}

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  for (const [i, value] of expected.entries()) expect(actual[i], `element ${i}`).toBeCloseTo(value, 5);
}

const given = Array.from(regions.data);

describe("RCM", () => {
  it("keeps its input and has no parameters", async () => {
    const module = new ResidualConnectionModule();
    expectClose(await outputOf(module), given);
    expect(module.parameters()).toEqual([]);
  });
});

describe("GTM", () => {
  it("scales and shifts every feature by the sentence, alike at all regions", async () => {
    const module = new GlobalTransformModule(configOf(), new Random(4));
    const row = (layer: "gamma" | "beta", b: number, d: number) =>
      Number(module[layer].bias?.data[d]) +
      Array.from({ length: width }, (_, k) => k).reduce(
        (sum, k) =>
          sum + Number(sentence.data[b * width + k]) * Number(module[layer].weight.data[d * width + k]),
        0,
      );
    const expected = given.map((value, i) => {
      const [b, d] = [Math.floor(i / (regionCount * width)), i % width];
      return row("gamma", b, d) * value + row("beta", b, d);
    });
    expectClose(await outputOf(module), expected);
  });

  it("is the identity at its starting biases when the sentence is 0", async () => {
    const module = new GlobalTransformModule(configOf(), new Random(4));
    const zero = float32([batch, width], new Float32Array(batch * width));
    expectClose(await outputOf(module, { sentence: zero }), given);
  });

  it("starts from the biases of the configuration", () => {
    const module = new GlobalTransformModule(configOf({ gammaBias: 0.5, betaBias: -2 }), new Random(4));
    expect(module.gamma.bias?.data[3]).toBe(0.5);
    expect(module.beta.bias?.data[5]).toBe(-2);
  });
});

describe("CAM", () => {
  it("does not see padding words", async () => {
    const module = new CrossAttentionModule(configOf(), new Random(5));
    const other = float32(words.shape, words.data);
    other.data.fill(99, 2 * width, 3 * width); // the first text's third word is padding
    other.data.fill(-99, 4 * width);
    expectClose(await outputOf(module, { words: other }), await outputOf(module));
  });

  it("is the norm of the input alone where attention gives nothing", async () => {
    const module = new CrossAttentionModule(configOf(), new Random(5));
    module.attention.out_proj.weight.data.fill(0);
    const row = given.slice(0, width);
    const mean = row.reduce((sum, value) => sum + value, 0) / width;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
    const expected = row.map((value) => (value - mean) / Math.sqrt(variance + 1e-5));
    expectClose((await outputOf(module)).slice(0, width), expected);
  });

  it("says which words each region looked at", async () => {
    const module = new CrossAttentionModule(configOf(), new Random(5));
    const { wordAttention } = module.forward(x, text, ForwardPass.inference());
    expect(wordAttention?.shape).toEqual(["batch", 2, regionCount, wordCount]);
  });

  it("becomes x + a · module(x) with a residual", async () => {
    const plain = new CrossAttentionModule(configOf(), new Random(5));
    const residual = new CrossAttentionModule(configOf({ residual: 0.3 }), new Random(5));
    const y = await outputOf(plain);
    expectClose(
      await outputOf(residual),
      given.map((value, i) => value + 0.3 * Number(y[i])),
    );
    expect(residual.namedParameters().get("residual")?.shape).toEqual([]);
  });
});

describe("JRM", () => {
  it("looks at the sentence and at other regions", async () => {
    const module = new JointReasoningModule(configOf(), new Random(6));
    const before = await outputOf(module);
    const otherSentence = await outputOf(module, { sentence: normalOf(9, batch, width) });
    const otherRegion = float32(regions.shape, regions.data);
    otherRegion.data.set([5, 4, 3, 2, 1, 0], 4 * width);
    const after = await outputOf(module, { x: otherRegion });
    expect(Math.abs(Number(otherSentence[0]) - Number(before[0]))).toBeGreaterThan(1e-3);
    expect(Math.abs(Number(after[0]) - Number(before[0]))).toBeGreaterThan(1e-4);
    expectClose(after.slice(regionCount * width), before.slice(regionCount * width)); // the other example
  });

  it("is FFN(MHA(H)) without residuals and norms", async () => {
    const module = new JointReasoningModule(configOf({ jrmResidual: false }), new Random(6));
    module.ffn2.weight.data.fill(0);
    module.ffn2.bias?.data.set([1, 2, 3, 4, 5, 6]);
    expectClose((await outputOf(module)).slice(0, width), [1, 2, 3, 4, 5, 6]);
    expect(module.norm1).toBeUndefined();
  });

  it("has a feed-forward network of the configured width", () => {
    expect(new JointReasoningModule(configOf(), new Random(6)).ffn1.weight.shape).toEqual([12, 6]);
    const narrow = new JointReasoningModule(configOf({ ffnWidth: 7 }), new Random(6));
    expect(narrow.ffn2.weight.shape).toEqual([6, 7]);
  });

  it("becomes x + a · module(x) with a residual", async () => {
    const y = await outputOf(new JointReasoningModule(configOf(), new Random(6)));
    const residual = new JointReasoningModule(configOf({ residual: -0.5 }), new Random(6));
    expectClose(
      await outputOf(residual),
      given.map((value, i) => value - 0.5 * Number(y[i])),
    );
  });
});

it("dropout stands after attention and after the feed-forward network", () => {
  const pass = ForwardPass.training();
  const fixed = new Input("fixed", "float32", [batch, regionCount, width]);
  const fixedText: TextFeatures = {
    words: new Input("words", "float32", [batch, wordCount, width]),
    sentence: new Input("sentence", "float32", [batch, width]),
    mask: new Input("mask", "bool", [batch, wordCount]),
  };
  new JointReasoningModule(configOf({ dropout: 0.25 }), new Random(6)).forward(fixed, fixedText, pass);
  new CrossAttentionModule(configOf({ dropout: 0.5 }), new Random(6)).forward(fixed, fixedText, pass);
  expect(pass.dropoutMasks.map(({ keepProbability }) => keepProbability)).toEqual([0.75, 0.75, 0.5]);
});
