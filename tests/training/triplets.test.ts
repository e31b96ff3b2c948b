/** A shop's way to a model: triplets made of its catalogue, training on them, recall counted in both ways. */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runProgram } from "../../src/cli/run-program.js";
import { openTriplets } from "../../src/data/datasets/triplets-folder.js";
import type { RetrievalDataset } from "../../src/data/triplet.js";
import { ModelEmbedder } from "../../src/embedding/model-embedder.js";
import { evaluate } from "../../src/evaluation/evaluate.js";
import { defaultProtocol } from "../../src/evaluation/protocols.js";
import { ImageCache } from "../../src/images/image-cache.js";
import { openRun } from "../../src/runs/open-run.js";
import { resolveRunConfig } from "../../src/runs/run-config.js";
import { train } from "../../src/training/train.js";
import { recordingContext } from "../cli/recording-context.js";
import { session, tinyCatalogue, tinyFields } from "./tiny-training.js";

const { folder, data: shop } = tinyCatalogue(64);

const config = resolveRunConfig({
  file: {
    ...tinyFields,
    model: "tirg",
    embedDim: 32,
    wordDim: 16,
    batchSize: 16,
    epochs: 1,
    imagePx: 64,
    resizePx: 64,
    holdOut: 0,
  },
});

async function recallAt10(dataset: RetrievalDataset, runDir: string): Promise<number> {
  const { model, vocabulary, config: own } = openRun(runDir);
  const images = new ImageCache((id) => dataset.imagePath(id), { sizePx: 64 });
  const embedder = await ModelEmbedder.compile(model, { images, vocabulary, ...own.training }, session);
  try {
    const options = { protocol: defaultProtocol, model: own.model, seed: 1, commit: "test" };
    const result = await evaluate(dataset, embedder, { split: "val", ...options });
    expect(result.dataset).toBe(dataset.name);
    expect(result.dropped.images.dropped).toBe(0);
    return result.mean.r10;
  } finally {
    await embedder.release();
  }
}

describe("training on a catalogue's triplets", () => {
  it("runs, and any item with the wanted attributes is found at least as often as the exact one", async () => {
    const out = join(folder, "triplets");
    const args = ["--catalogue", join(shop, "catalogue.csv"), "--attributes", "sleeves,fit", "--out", out];
    const context = recordingContext();
    expect(await runProgram(["triplets", ...args, "--pairs", "100", "--split", "0.5,0.5,0"], context)).toBe(
      0,
    );
    const runDir = join(folder, "run");
    const { steps, status } = await train({ dataset: openTriplets(out), config, runDir, session });
    expect([status, steps]).toEqual(["complete", 3]);
    const exact = await recallAt10(openTriplets(out), runDir);
    const byAttributes = await recallAt10(openTriplets(out, { answers: "attributes" }), runDir);
    expect(byAttributes).toBeGreaterThan(exact);
  });

  it("trains on triplets that someone wrote by hand", async () => {
    const root = join(folder, "by-hand");
    mkdirSync(root);
    const names = readdirSync(join(shop, "images")).slice(0, 33);
    const lines = names.slice(1).map((target, i) => ({
      reference: `images/${names[i]}`,
      target: target.replace(".jpg", ""),
      text: "is the next one",
    }));
    writeFileSync(join(root, "triplets.jsonl"), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    writeFileSync(join(root, "dataset.json"), '{"format": 1, "imageRoot": "../catalogue"}');
    const summary = await train({
      dataset: openTriplets(root),
      config,
      runDir: join(folder, "run2"),
      session,
    });
    expect([summary.status, summary.steps]).toEqual(["complete", 2]);
  });
});
