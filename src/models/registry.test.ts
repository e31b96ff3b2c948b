import { describe, expect, it } from "vitest";
import { gradients } from "../engine/autodiff/gradients.js";
import { topologicalOrder } from "../engine/graph/traversal.js";
import { Input, type Value } from "../engine/graph/value.js";
import { l2Normalise } from "../engine/ops/normalisation.js";
import { runOnce } from "../engine/runtime/session.js";
import { Random } from "../engine/tensor/random.js";
import { requireStatic } from "../engine/tensor/shape.js";
import { int64, type Tensor, tensor, zeros } from "../engine/tensor/tensor.js";
import { ConfigError, UsageError } from "../errors.js";
import { ForwardPass } from "../nn/forward-pass.js";
import { totalLoss } from "../nn/losses/total.js";
import type { CompositionModel } from "./composition-model.js";
import { objective, teacherInputs, teacherOutputs } from "./objective.js";
import { createModel, type ModelName, modelDefinition, modelNames } from "./registry.js";

const small = { backbone: "resnet18", backboneWidth: 1 / 16, embedDim: 8, wordDim: 3 };
const px = 40; // four regions
const wordCount = 5;

/** What single models need, or have to be small. */
const ownFields: Partial<Record<ModelName, Readonly<Record<string, unknown>>>> = {
  sdfn: { heads: 2, layers: 2, routerWidth: 16 },
  "clvc-net": { embedDim: 16 },
};

function build(name: ModelName, config: Record<string, unknown> = {}): CompositionModel {
  const own = ownFields[name] ?? {};
  return createModel(
    name,
    { ...small, ...own, ...config },
    { vocabularySize: 11, random: new Random(5), imagePx: px },
  );
}

/** What starts at 0, as an identity, may keep others from their gradient. */
function moveZeros(model: CompositionModel): void {
  for (const { data } of model.parameters()) if (data.every((value) => value === 0)) data.fill(0.1);
}

function pictures(count: number, seed: number): Tensor {
  const random = new Random(seed);
  const data = Uint8Array.from({ length: count * px * px * 3 }, () => random.integer(256));
  return tensor("uint8", [count, px, px, 3], data);
}

const texts = {
  tokens: int64([3, wordCount], [2, 3, 4, 0, 0, 5, 6, 7, 8, 9, 10, 0, 0, 0, 0]),
  lengths: int64([3], [3, 5, 1]),
};

function encoded(model: CompositionModel, batch: number | "batch", pass = ForwardPass.inference()) {
  return model.encodeImages(new Input("images", "uint8", [batch, px, px, 3]), pass);
}

function queryGraph(model: CompositionModel, batch: number | "batch", pass = ForwardPass.inference()) {
  const tokens = new Input("tokens", "int64", [batch, batch === "batch" ? "words" : wordCount]);
  const lengths = new Input("lengths", "int64", [batch]);
  return model.compose(encoded(model, batch, pass), model.encodeText(tokens, lengths), pass);
}

/** Runs a graph on whatever of the feeds it has inputs for. */
async function run(outputs: Record<string, Value>, feeds: Record<string, Tensor>) {
  const names = topologicalOrder(Object.values(outputs)).flatMap((value) =>
    value instanceof Input ? [value.name] : [],
  );
  return runOnce<string>(
    outputs,
    Object.fromEntries(Object.entries(feeds).filter(([key]) => names.includes(key))),
  );
}

describe.each([...modelNames])("%s", (name) => {
  it("gives unit query embeddings for any batch size, each query by itself", async () => {
    const model = build(name);
    const query = l2Normalise(queryGraph(model, "batch").q, { axis: 1 });
    const { embedding } = model.embedTarget(encoded(model, "batch"), ForwardPass.inference());
    expect(query.shape).toEqual(embedding.shape);
    const width = query.dim(1);
    const images = pictures(3, 1);
    const all = (await run({ query }, { images, ...texts })).query as Tensor;
    const second = (
      await run(
        { query },
        {
          images: tensor(
            "uint8",
            [1, px, px, 3],
            (images.data as Uint8Array).slice(px * px * 3, 2 * px * px * 3),
          ),
          tokens: int64([1, wordCount], [5, 6, 7, 8, 9]),
          lengths: int64([1], [5]),
        },
      )
    ).query as Tensor;
    expect(all.shape).toEqual([3, width]);
    const row = Array.from({ length: width }, (_, d) => Number(all.data[width + d]));
    expect(Math.hypot(...row)).toBeCloseTo(1, 5);
    for (const [d, value] of row.entries()) expect(second.data[d]).toBeCloseTo(value, 4);
  });

  it("trains: the loss is finite, and every parameter it depends on has a gradient", async () => {
    const model = build(name, { imageNorm: "batch", textNorm: "layer" });
    moveZeros(model);
    const pass = ForwardPass.training();
    const images = new Input("images", "uint8", [6, px, px, 3]);
    const { reference, target } = model.encodePairs(images, pass);
    const text = model.encodeText(
      new Input("tokens", "int64", [3, wordCount]),
      new Input("lengths", "int64", [3]),
    );
    const composition = model.compose(reference, text, pass);
    const teacher = teacherInputs(composition.logits ?? []);
    const targetEmbedding = model.embedTarget(target, pass);
    const features = { composition, reference, text, target, targetEmbedding, teacher: { logits: teacher } };
    const loss = totalLoss(objective(model, features, pass));
    const used = new Set(topologicalOrder([loss]));
    const parameters = [...model.namedParameters()].filter(([, parameter]) => used.has(parameter));
    const derived = gradients(
      loss,
      parameters.map(([, parameter]) => parameter),
    );
    const outputs = Object.fromEntries(parameters.map(([key], i) => [key, derived[i] ?? loss]));
    const feeds: Record<string, Tensor> = { images: pictures(6, 2), ...texts };
    for (const { input } of pass.dropoutMasks) {
      const mask = zeros("uint8", requireStatic("mask", input.shape));
      mask.data.fill(1);
      feeds[input.name] = mask;
    }
    for (const input of Object.values(teacherOutputs(teacher))) {
      if (input instanceof Input) feeds[input.name] = zeros("float32", requireStatic("logits", input.shape));
    }
    const result = await run({ ...outputs, "the loss": loss }, feeds);
    for (const [key, value] of Object.entries(result)) {
      expect(Array.from(value.data, Number).every(Number.isFinite), key).toBe(true);
    }
    const isZero = (key: string) => Array.from(result[key]?.data ?? [], Number).every((value) => value === 0);
    expect(parameters.map(([key]) => key).filter(isZero)).toEqual([]);
  });
});

describe("what models look at", () => {
  it.each([
    ["image-only", ["images"]],
    ["text-only", ["lengths", "tokens"]],
    ["sum", ["images", "lengths", "tokens"]],
  ] as const)("%s", (name, expected) => {
    const order = topologicalOrder([queryGraph(build(name), "batch").q]);
    const names = order.flatMap((value) => (value instanceof Input ? [value.name] : []));
    expect(names.toSorted()).toEqual(expected);
  });

  it("is image plus text for sum", async () => {
    const outputs = async (name: ModelName) =>
      (await run({ q: queryGraph(build(name), "batch").q }, { images: pictures(3, 1), ...texts }))
        .q as Tensor;
    const [both, image, text] = [
      await outputs("sum"),
      await outputs("image-only"),
      await outputs("text-only"),
    ];
    for (const [i, value] of Array.from(both.data, Number).entries())
      expect(value).toBeCloseTo(Number(image.data[i]) + Number(text.data[i]), 4);
  });
});

describe("the registry", () => {
  it("refuses unknown models and fields of other models", () => {
    expect(() => modelDefinition("tirgg")).toThrow(UsageError);
    expect(() => modelDefinition("constructor")).toThrow(UsageError);
    expect(() => build("sum", { heads: 2 })).toThrow(ConfigError);
  });

  it("fills defaults in", () => {
    expect(modelDefinition("concat").parse({})).toMatchObject({ dropout: 0.1, embedDim: 1024 });
  });

  it("draws the same model from the same seed", () => {
    const [a, b] = [build("tirg").stateDict(), build("tirg").stateDict()];
    expect(a).toEqual(b);
  });
});
