/** Training as a whole, on real files: does it fit, is it repeatable, does it stop cleanly? */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openFashionIq } from "../../src/data/datasets/fashion-iq.js";
import { FixedSplit } from "../../src/data/fixed-split.js";
import { ModelEmbedder } from "../../src/embedding/model-embedder.js";
import { DivergenceError } from "../../src/errors.js";
import { scoreSplit } from "../../src/evaluation/evaluate.js";
import { defaultProtocol } from "../../src/evaluation/protocols.js";
import { ImageCache } from "../../src/images/image-cache.js";
import { openRun } from "../../src/runs/open-run.js";
import { resolveRunConfig } from "../../src/runs/run-config.js";
import { readManifest, readMetrics } from "../../src/runs/run-files.js";
import { type TrainEvent, train } from "../../src/training/train.js";
import { session, tinyCatalogue, tinyFields } from "./tiny-training.js";

const { folder, data } = tinyCatalogue(64);

const tiny = {
  ...tinyFields,
  embedDim: 32,
  wordDim: 16,
  heads: 4,
  layers: 2,
  initialScale: 16,
  imagePx: 64,
  resizePx: 64,
  holdOut: 0,
};

const config = (fields: Readonly<Record<string, unknown>> = {}) =>
  resolveRunConfig({ file: { ...tiny, ...fields } });

describe("training", () => {
  it("fits eight triplets to a Recall@1 of 100 %", async () => {
    const dataset = openFashionIq(data);
    const split = dataset.split("train");
    const used = new Set<string>();
    const eight = split.triplets
      .filter(({ reference, target }) => {
        const isNew = !used.has(reference) && !used.has(target) && reference !== target;
        if (isNew) used.add(reference).add(target);
        return isNew;
      })
      .slice(0, 8)
      .map((triplet) => ({ ...triplet, category: "dress" }));
    const few = new FixedSplit({ name: "train", triplets: eight, images: split.images });
    const runDir = join(folder, "eight");
    await train({
      dataset: {
        ...dataset,
        name: "eight",
        root: data,
        categories: ["dress"],
        imagesExpectedAt: data,
        split: () => few,
        imagePath: (id) => dataset.imagePath(id),
      },
      config: config({ epochs: 40, randomCrop: false, flip: false, dropout: 0 }),
      runDir,
      session,
    });
    const { model, vocabulary } = openRun(runDir);
    const images = new ImageCache((id) => dataset.imagePath(id), { sizePx: 64 });
    const embedder = await ModelEmbedder.compile(model, { images, vocabulary, imagePx: 64, maxWords: 12 });
    const { mean } = await scoreSplit(few, embedder, { protocol: defaultProtocol });
    expect(mean.r1).toBe(100);
  });

  it("gives the same bits for the same seed, and others for another", async () => {
    const parametersOf = async (name: string, seed: number) => {
      const runDir = join(folder, name);
      await train({ dataset: openFashionIq(data), config: config({ seed }), runDir, session });
      return readFileSync(join(runDir, "parameters.safetensors"));
    };
    const first = await parametersOf("first", 1);
    expect((await parametersOf("second", 1)).equals(first)).toBe(true);
    expect((await parametersOf("third", 2)).equals(first)).toBe(false);
  });

  it("stops when the loss is not finite, says at which step, and keeps the last good parameters", async () => {
    const runDir = join(folder, "diverged");
    const wild = config({ learningRate: 1e30 });
    const training = train({ dataset: openFashionIq(data), config: wild, runDir, session });
    await expect(training).rejects.toThrow(DivergenceError);
    expect(readManifest(runDir).status).toBe("diverged");
    for (const { data: values } of openRun(runDir).model.state().values())
      expect(values.every(Number.isFinite)).toBe(true);
  });

  it("ends after the step under way when it is interrupted, and saves the run", async () => {
    const runDir = join(folder, "interrupted");
    const controller = new AbortController();
    const events: TrainEvent[] = [];
    const summary = await train({
      dataset: openFashionIq(data),
      config: config({ epochs: 50 }),
      runDir,
      session,
      signal: controller.signal,
      onEvent(event) {
        events.push(event);
        if (event.kind === "step" && event.step === 3) controller.abort();
      },
    });
    expect(summary).toMatchObject({ status: "interrupted", steps: 3 });
    expect(readManifest(runDir)).toMatchObject({ status: "interrupted", step: 3 });
    expect(readMetrics(runDir)).toHaveLength(3);
    expect(openRun(runDir).config.training.epochs).toBe(50);
  });
});
