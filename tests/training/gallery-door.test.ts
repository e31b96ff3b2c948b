/**
 * The door for galleries: a model says by what an image is found, in a width of its own. Training compares queries with
 * it, and what is held out is searched by it.
 */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openFashionIq } from "../../src/data/datasets/fashion-iq.js";
import { inferenceGraphs } from "../../src/embedding/inference-graphs.js";
import { add } from "../../src/engine/ops/arithmetic.js";
import { Random } from "../../src/engine/tensor/random.js";
import {
  type Composition,
  CompositionModel,
  type TargetEmbedding,
} from "../../src/models/composition-model.js";
import { type EncoderConfig, encoderSchema } from "../../src/models/encoder-config.js";
import type { ImageFeatures } from "../../src/models/image-encoder.js";
import { defineModel } from "../../src/models/model-definition.js";
import { registerModel } from "../../src/models/registry.js";
import type { TextFeatures } from "../../src/models/text-encoder.js";
import type { ForwardPass } from "../../src/nn/forward-pass.js";
import { Linear } from "../../src/nn/linear.js";
import { resolveRunConfig } from "../../src/runs/run-config.js";
import { train } from "../../src/training/train.js";
import { expectSame, small, stepped, training, vocabularySize } from "./stepped.js";
import { session, tinyCatalogue, tinyFields } from "./tiny-training.js";

const galleryDim = 5;

/** q = V · (x + s), t = W · x, both of width 5 whatever D is; dropout on the gallery's side. */
class Narrow extends CompositionModel {
  readonly ofQuery: Linear;
  readonly ofTarget: Linear;

  constructor(config: EncoderConfig, vocabularySize: number, random: Random) {
    super(config, vocabularySize, random);
    this.ofQuery = new Linear(config.embedDim, galleryDim, random);
    this.ofTarget = new Linear(config.embedDim, galleryDim, random);
  }

  compose({ embedding }: ImageFeatures, { sentence }: TextFeatures): Composition {
    return { q: this.ofQuery.forward(add(embedding, sentence)) };
  }

  override embedTarget({ embedding }: ImageFeatures, pass: ForwardPass): TargetEmbedding {
    return { embedding: this.ofTarget.forward(pass.dropout(embedding, 0.2)) };
  }
}

const stepConfig = encoderSchema.parse({ ...small, embedDim: 12, backboneStatistics: "frozen" });
const newModel = () => new Narrow(stepConfig, vocabularySize, new Random(3));

describe("a gallery embedding of another width", () => {
  it("is what queries are compared with, by micro-batches to the same numbers", async () => {
    const whole = await stepped(newModel(), { training: training(null) });
    const changed = whole.state.get("ofTarget.weight");
    expect(changed?.shape).toEqual([galleryDim, 12]);
    expect(changed).not.toEqual(newModel().stateDict().get("ofTarget.weight"));
    for (const microBatchSize of [1, 3])
      expectSame(await stepped(newModel(), { training: training(microBatchSize) }), whole);
  });

  it("is what evaluation searches by", () => {
    const { images, queries, embedDim, featureShapes } = inferenceGraphs(newModel(), { imagePx: 64 });
    expect(embedDim).toBe(galleryDim);
    expect(images.embeddings.shape).toEqual(["batch", galleryDim]);
    expect(queries.embeddings?.shape).toEqual(["batch", galleryDim]);
    expect(featureShapes.get("regions")).toEqual([4, 12]);
  });
});

const { folder, data } = tinyCatalogue();

it("a training with it is watched on held-out triplets", async () => {
  registerModel(defineModel({ name: "narrow", modelClass: Narrow }), { path: "narrow", sha256: "" });
  const config = resolveRunConfig({ file: { ...tinyFields, model: "narrow", epochs: 1 } });
  const { lastEpoch } = await train({
    dataset: openFashionIq(data),
    config,
    runDir: join(folder, "narrow"),
    session,
  });
  expect(lastEpoch?.validation?.queries).toBeGreaterThan(0);
  expect(lastEpoch?.validation?.r50).toBeGreaterThan(0);
});
