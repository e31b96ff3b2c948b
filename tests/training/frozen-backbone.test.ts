/** Training with a frozen backbone, on real files: the same numbers as without the cache, and nothing computed twice. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BatchLoader } from "../../src/data/batches/batch-loader.js";
import { openFashionIq } from "../../src/data/datasets/fashion-iq.js";
import { FrozenBackbone } from "../../src/embedding/frozen-backbone.js";
import { Random } from "../../src/engine/tensor/random.js";
import { withEmbedder } from "../../src/evaluation/run-embedder.js";
import { ImageCache } from "../../src/images/image-cache.js";
import { createModel } from "../../src/models/registry.js";
import { openRun } from "../../src/runs/open-run.js";
import { resolveRunConfig } from "../../src/runs/run-config.js";
import { readManifest } from "../../src/runs/run-files.js";
import { Vocabulary } from "../../src/text/vocabulary.js";
import { Teacher } from "../../src/training/teacher.js";
import { type TrainEvent, train } from "../../src/training/train.js";
import { TrainingStep } from "../../src/training/training-step.js";
import { session, tinyCatalogue, tinyFields } from "./tiny-training.js";

const { folder, data } = tinyCatalogue(72);

const tiny = {
  ...tinyFields,
  embedDim: 32,
  wordDim: 16,
  heads: 4,
  layers: 2,
  imagePx: 64,
  resizePx: 72,
  freezeBackbone: true,
};
const config = (fields: Readonly<Record<string, unknown>> = {}) =>
  resolveRunConfig({ file: { ...tiny, ...fields } });

/** Bytes of all feature maps in a cache. */
function rowsIn(cacheDir: string): number {
  return readdirSync(cacheDir, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".rows"))
    .reduce((sum, name) => sum + readFileSync(join(cacheDir, name)).length, 0);
}

/** Trains and tells what happened. */
async function trained(
  name: string,
  cacheDir: string,
  {
    fields,
    signal,
    onEvent,
  }: { fields?: object; signal?: AbortSignal; onEvent?: (e: TrainEvent) => void } = {},
) {
  const events: TrainEvent[] = [];
  const runDir = join(folder, name);
  const summary = await train({
    dataset: openFashionIq(data),
    config: config({ ...fields }),
    runDir,
    featureCacheDir: cacheDir,
    session,
    signal,
    onEvent(event) {
      events.push(event);
      onEvent?.(event);
    },
  });
  const notes = events.flatMap((event) => (event.kind === "note" ? [event.text] : []));
  const computed = events.filter((event) => event.kind === "features" && event.stage === "compute");
  return { runDir, summary, events, notes, computed };
}

describe("a training step from cached feature maps", () => {
  it("gives the losses of one from pictures, teacher included, and never updates the backbone", async () => {
    const dataset = openFashionIq(data);
    const split = dataset.split("train");
    const vocabulary = Vocabulary.fromTexts(split.triplets.flatMap(({ captions }) => captions));
    const images = new ImageCache((id) => dataset.imagePath(id), { sizePx: 72 });

    const run = async (useCache: boolean) => {
      // Without the cache, a rate of 0 is what freezes the backbone.
      const { training, modelConfig } = config({
        backboneStatistics: "frozen",
        backboneRate: useCache ? 1 : 0,
        lambda2: 1,
      });
      const model = createModel("sdfn", modelConfig, {
        vocabularySize: vocabulary.size,
        imagePx: 64,
        random: new Random(4),
      });
      const features = useCache
        ? await FrozenBackbone.open(model, {
            images,
            imagePath: (id) => dataset.imagePath(id),
            imagePx: 64,
            imageFit: "squash",
            cacheDir: join(folder, "step-cache"),
            session,
          })
        : undefined;
      const step = await TrainingStep.compile(
        model,
        { training, featureMapShapes: features?.shapes },
        session,
      );
      const featureMapShapes = features?.shapes;
      const teacher = await Teacher.snapshot(model, { ...training, featureMapShapes }, session);
      const loader = new BatchLoader(split, images, vocabulary, {
        random: new Random(5),
        batchSize: 8,
        maxWords: 12,
        cropPx: 64,
        shouldFlip: true,
        featureMaps: features,
      });
      const random = new Random(6);
      const losses: number[] = [];
      for await (const batch of loader.epoch()) {
        const logits = await teacher.predict(batch);
        const options = { step: losses.length + 1, learningRate: 1e-3, random, teacher: logits };
        losses.push((await step.run(batch, options)).loss.total);
        if (losses.length === 4) break;
      }
      await Promise.all([step.release(), teacher.release(), features?.release()]);
      return { losses, moments: [...step.moments.keys()] };
    };

    const [cached, direct] = [await run(true), await run(false)];
    expect(cached.losses).toHaveLength(4);
    for (const [i, loss] of cached.losses.entries()) {
      expect(Math.abs(loss / (direct.losses[i] ?? 0) - 1)).toBeLessThan(2e-3);
    }
    expect(new Set(direct.losses).size).toBe(4);
    expect(cached.moments.some((name) => name.startsWith("rest."))).toBe(true);
    expect(cached.moments.filter((name) => name.includes("backbone"))).toEqual([]);
  });
});

describe("training with a frozen backbone", () => {
  it("keeps the backbone as it was, saves it with the run, and learns the rest", async () => {
    const { runDir, summary, notes } = await trained("plain", join(folder, "cache-plain"));
    expect(summary.status).toBe("complete");
    expect(summary.lastEpoch?.validation?.queries).toBeGreaterThan(0);
    const { model, config: saved, vocabulary } = openRun(runDir);
    const random = new Random(saved.training.seed);
    random.fork("hold-out"); // as the trainer does, before the model's
    const fresh = createModel("sdfn", saved.modelConfig, {
      vocabularySize: vocabulary.size,
      imagePx: 64,
      random: random.fork("model"),
    }).stateDict();
    const isChanged = ([name, { data: values }]: [string, { data: Float32Array }]) =>
      values.some((value, i) => value !== fresh.get(name)?.data[i]);
    const changed = [...model.stateDict()].filter(isChanged).map(([name]) => name);
    expect(changed).toContain("image.proj.weight");
    expect(changed.filter((name) => name.startsWith("image.backbone."))).toEqual([]);
    expect(notes.join()).toMatch(
      /frozen backbone: \d+ feature maps \[32, 2, 2\] float16, 0\.00 GB in .*mirrored.*randomCrop has no effect/,
    );
  });

  it("computes nothing for a second run, which gives the same bits, or for a second evaluation", async () => {
    const cacheDir = join(folder, "cache-shared");
    const first = await trained("first", cacheDir);
    expect(first.computed.length).toBeGreaterThan(0);
    const size = rowsIn(cacheDir);
    const second = await trained("second", cacheDir);
    expect(second.computed).toEqual([]);
    expect(rowsIn(cacheDir)).toBe(size);
    const parametersOf = (runDir: string) => readFileSync(join(runDir, "parameters.safetensors"));
    expect(parametersOf(first.runDir).equals(parametersOf(second.runDir))).toBe(true);

    const run = openRun(first.runDir);
    const quiet = {};
    const dataset = openFashionIq(data);
    const ids = (dataset.split("val").images.get("dress") ?? []).slice(0, 5);
    const embed = () => withEmbedder(run, dataset, quiet, ({ embedder }) => embedder.embedImages(ids));
    const cached = await embed();
    const afterOnce = rowsIn(cacheDir);
    expect(afterOnce).toBeGreaterThan(size);
    expect(await embed()).toEqual(cached);
    expect(rowsIn(cacheDir)).toBe(afterOnce);

    // Without the cache the backbone looks at the pictures: the same embeddings to half precision.
    const { featureCache: _, ...manifest } = run.manifest;
    const direct = await withEmbedder({ ...run, manifest }, dataset, quiet, ({ embedder }) =>
      embedder.embedImages(ids),
    );
    const difference = Math.max(...direct.map((value, i) => Math.abs(value - (cached[i] ?? 0))));
    expect(difference).toBeGreaterThan(0);
    expect(difference).toBeLessThan(2e-3);
  });

  it("leaves mirrored maps out without flip", async () => {
    const [both, plain] = [join(folder, "cache-both"), join(folder, "cache-half")];
    await trained("both", both, { fields: { holdOut: 0, epochs: 1 } });
    await trained("half", plain, { fields: { holdOut: 0, epochs: 1, flip: false } });
    expect(rowsIn(both)).toBe(2 * rowsIn(plain));
  });

  it("stops while it computes, keeps what was done, and a new run continues", async () => {
    const cacheDir = join(folder, "cache-stopped");
    const controller = new AbortController();
    const stopped = await trained("stopped", cacheDir, {
      signal: controller.signal,
      onEvent: (event) => {
        if (event.kind === "features" && event.stage === "compute") controller.abort();
      },
    });
    expect(stopped.summary).toMatchObject({ status: "interrupted", steps: 0 });
    expect(readManifest(stopped.runDir)).toMatchObject({
      status: "interrupted",
      step: 0,
      featureCache: cacheDir,
    });
    const kept = rowsIn(cacheDir);
    expect(kept).toBe(32 * 2 * 32 * 2 * 2);
    const next = await trained("next", cacheDir, { fields: { epochs: 1 } });
    expect(next.summary.status).toBe("complete");
    const last = next.computed.at(-1);
    expect(last).toMatchObject({ total: (rowsIn(cacheDir) - kept) / (2 * 32 * 2 * 2) });
  });
});
