import { describe, expect, it } from "vitest";
import { BatchLoader } from "../../src/data/batches/batch-loader.js";
import { openFashionIq } from "../../src/data/datasets/fashion-iq.js";
import type { GraphMemory } from "../../src/engine/graph/peak-memory.js";
import type { DType } from "../../src/engine/tensor/dtype.js";
import { Random } from "../../src/engine/tensor/random.js";
import type { Tensor } from "../../src/engine/tensor/tensor.js";
import { ConfigError } from "../../src/errors.js";
import { ImageCache } from "../../src/images/image-cache.js";
import type { CompositionModel } from "../../src/models/composition-model.js";
import { createModel, type ModelName } from "../../src/models/registry.js";
import { resolveRunConfig } from "../../src/runs/run-config.js";
import { Vocabulary } from "../../src/text/vocabulary.js";
import { examplesOf } from "../../src/training/batch-parts.js";
import { StoredTeacher } from "../../src/training/stored-teacher.js";
import { Teacher } from "../../src/training/teacher.js";
import { type TeacherLogits, TrainingStep } from "../../src/training/training-step.js";
import {
  batchSize,
  differenceOf,
  expectSame,
  featureMapShape,
  imagePx,
  maxWords,
  newBatch,
  type Stepped,
  small,
  stepped,
  training,
  vocabularySize,
} from "./stepped.js";
import { session, tinyCatalogue } from "./tiny-training.js";

const { data } = tinyCatalogue(32);

const smallSdfn = { ...small, embedDim: 12, heads: 2, layers: 2, lambda1: 3, lambda2: 2, dropout: 0.3 };
const frozen = { ...smallSdfn, backboneStatistics: "frozen" };

function newModel(fields: object, name: ModelName = "sdfn", words = vocabularySize): CompositionModel {
  return createModel(name, fields, { vocabularySize: words, random: new Random(3), imagePx: 64 });
}

describe("a training step by micro-batches", () => {
  // After one step the first moments are the gradients; the second step has a teacher.
  it.each([
    ["frozen statistics", "sdfn", frozen, undefined],
    ["feature maps", "sdfn", { ...smallSdfn, imagePasses: "separate" }, featureMapShape],
    ["scores of pairs", "artemis", { ...small, embedDim: 12, backboneStatistics: "frozen" }, undefined],
  ] as const)("has the whole batch's losses and gradients: %s", async (_, name, fields, maps) => {
    const shape = maps
      ? { featureMapShapes: new Map([["images", maps]]), featureMapType: "float32" as const }
      : {};
    for (const gradientClip of [0, 0.05]) {
      const whole = await stepped(newModel(fields, name), {
        training: training(null, { gradientClip }),
        ...shape,
      });
      for (const microBatchSize of [1, 3]) {
        const config = { training: training(microBatchSize, { gradientClip }), ...shape };
        const cached = await stepped(newModel(fields, name), config);
        expectSame(cached, whole);
        expect(cached.notes).toEqual([]);
      }
      if (name === "sdfn") {
        const [, second] = whole.results;
        expect(second?.loss.distillation).toBeGreaterThan(0.01);
        expect(second?.loss.consistency).toBeGreaterThan(0.01);
      }
    }
  });

  it("normalises by micro-batches where batch norm uses the batch, moves running statistics by each, and says so", async () => {
    const fields = { ...smallSdfn, imageNorm: "batch", dropout: 0 };
    const cached = await stepped(
      newModel(fields),
      { training: training(3) },
      { steps: 1, learningRate: 1e-30 },
    );
    const whole = await stepped(newModel(fields), { training: training(null) }, { steps: 1 });
    expect(cached.results[0]?.loss.total).not.toBeCloseTo(whole.results[0]?.loss.total ?? 0, 4);
    expect(cached.notes.join()).toMatch(/statistics of 3 triplets, not of 6.*move 2 times a step/);
    expect(whole.notes).toEqual([]);

    const model = newModel(fields);
    for (const start of [0, 3]) {
      const all = newBatch();
      const half = <D extends DType>(whole: Tensor<D>) =>
        examplesOf(whole, { start, count: 3, of: batchSize }) as Tensor<D>;
      const batch = {
        images: { images: half(all.images.images) },
        tokens: half(all.tokens),
        lengths: half(all.lengths),
      };
      const config = { training: training(null, { batchSize: 3 }) };
      await stepped(model, config, { steps: 1, learningRate: 1e-30, batch });
    }
    const running = [...model.stateDict()].filter(([name]) => name.includes("running_"));
    expect(running.length).toBeGreaterThan(40);
    for (const [name, { data }] of running)
      expect(differenceOf(cached.state.get(name)?.data ?? [], data), name).toBeLessThan(1e-5);
  });

  it("lets losses run a batch norm again, with the whole batch, that the forward pass ran", async () => {
    const fields = { ...small, embedDim: 12, backboneStatistics: "frozen", dropout: 0 };
    const model = newModel(fields, "dcnet");
    const before = model.stateDict();
    const { results, state } = await stepped(model, { training: training(3) }, { steps: 1 });
    expect(results[0]?.isAccepted).toBe(true);
    expect(Object.keys(results[0]?.loss ?? {})).toEqual(["total", "composition", "correction", "joint"]);
    // Once in the losses, once for each micro-batch: what is left of the start is 0.9³ of it.
    const name = "composer.composition.layer4.bn_res.running_var";
    const [start, end] = [before.get(name)?.data ?? [], state.get(name)?.data ?? []];
    const unused = Array.from(end).filter((value) => value < 0.9 ** 3 * (start[0] ?? 0) - 1e-6);
    expect(unused).toEqual([]);
    expect(Math.min(...end)).toBeLessThan(0.9 ** 2);
  });

  it.each([
    ["loss", Number.NaN],
    ["gradient norm", 1e25],
  ])("changes nothing, running statistics included, when the %s is not finite", async (_, scale) => {
    const model = newModel(smallSdfn);
    model.scale.data[0] = scale;
    const before = model.stateDict();
    const { results, moments, state, notFinite } = await stepped(
      model,
      { training: training(2) },
      { steps: 1 },
    );
    expect(results[0]?.isAccepted).toBe(false);
    expect(Number.isFinite(results[0]?.loss.total)).toBe(Number.isFinite(scale));
    expect(state).toEqual(before);
    for (const moment of moments.values()) expect(moment.every((value) => value === 0)).toBe(true);

    const other = newModel(smallSdfn);
    other.scale.data[0] = scale;
    const whole = await stepped(other, { training: training(null) }, { steps: 1 });
    expect(notFinite).toEqual(whole.notFinite);
    expect(notFinite.length > 0).toBe(Number.isNaN(scale));
  });

  it("tells once, before anything is compiled, what its graphs need together", async () => {
    const needs = [];
    for (const microBatchSize of [null, 3, 1]) {
      const told: GraphMemory[] = [];
      const beforeCompile = (memory: GraphMemory) => {
        told.push(memory);
        throw new RangeError("too much");
      };
      // Pictures large enough to outweigh what Adam computes with.
      const config = { training: { ...training(microBatchSize), imagePx: 128 } };
      const compiled = TrainingStep.compile(newModel(frozen), config, { ...session, beforeCompile });
      await expect(compiled).rejects.toThrow("too much");
      expect(told).toHaveLength(1);
      needs.push(told[0] as GraphMemory);
    }
    const [whole, three, one] = needs as [GraphMemory, GraphMemory, GraphMemory];
    expect(one.resultBytes).toBeLessThan(three.resultBytes);
    expect(three.resultBytes).toBeLessThan(whole.resultBytes);
    // Parameters are shared by the graphs; the sums of their gradients are one set more.
    const trained = newModel(frozen).parameters();
    const sumBytes = trained.reduce((sum, { data }) => sum + data.byteLength, 0);
    expect(three.parameterBytes).toBe(whole.parameterBytes + sumBytes);
  });

  it("has them with a stored teacher, which predicts by micro-batches too", async () => {
    const dataset = openFashionIq(data);
    const split = dataset.split("train");
    const vocabulary = Vocabulary.fromTexts(split.triplets.flatMap(({ captions }) => captions));
    const images = new ImageCache((id) => dataset.imagePath(id), { sizePx: imagePx });
    const model = () => newModel(frozen, "sdfn", vocabulary.size);
    const options = { random: new Random(8), batchSize, maxWords };
    const { value: batch } = await new BatchLoader(split, images, vocabulary, options).epoch().next();
    if (!batch) throw new Error("no batch");
    const whole = { logits: {} as TeacherLogits, run: {} as Stepped };
    for (const microBatchSize of [null, 2, 3]) {
      const snapshot = await Teacher.snapshot(model(), { imagePx, maxWords, microBatchSize }, session);
      // The last batch of these is not full, and no whole number of micro-batches.
      const asked = [...batch.triplets, ...split.triplets.filter((t) => !batch.triplets.includes(t))].slice(
        0,
        11,
      );
      const data = { images, vocabulary, features: undefined, training: { batchSize, imagePx, maxWords } };
      const stored = await StoredTeacher.compute(snapshot, asked.toReversed(), data);
      await snapshot.release();
      const logits = await stored.predict(batch);
      const run = await stepped(model(), { training: training(microBatchSize) }, { batch, logits });
      if (microBatchSize === null) Object.assign(whole, { logits, run });
      for (const [name, { data: values }] of Object.entries(logits))
        expect(differenceOf(values as Float32Array, whole.logits[name]?.data as Float32Array)).toBeLessThan(
          1e-5,
        );
      expectSame(run, whole.run);
    }
    expect(whole.run.results[1]?.loss.distillation).toBeGreaterThan(1e-6);
  });

  it("has a teacher that predicts as many at a time, to the same numbers", async () => {
    const [atOnce, inParts] = await Promise.all(
      [null, 4].map((microBatchSize) =>
        Teacher.snapshot(newModel(frozen), { imagePx, maxWords, microBatchSize }, session),
      ),
    );
    const whole = await atOnce?.predict(newBatch() as never);
    const parts = await inParts?.predict(newBatch() as never);
    expect(Object.keys(parts ?? {})).toEqual(Object.keys(whole ?? {}));
    for (const [name, { shape, data }] of Object.entries(whole ?? {})) {
      expect(shape[0]).toBe(batchSize);
      expect(parts?.[name]?.shape).toEqual(shape);
      expect(differenceOf(parts?.[name]?.data as Float32Array, data as Float32Array), name).toBeLessThan(
        1e-5,
      );
    }
  });
});

describe("microBatchSize", () => {
  it("must divide the batch", () => {
    expect(() => resolveRunConfig({ set: ["batchSize=32", "microBatchSize=12"] })).toThrow(ConfigError);
    expect(resolveRunConfig({ set: ["batchSize=32", "microBatchSize=8"] }).training.microBatchSize).toBe(8);
    expect(resolveRunConfig({}).training.microBatchSize).toBeNull();
  });
});
