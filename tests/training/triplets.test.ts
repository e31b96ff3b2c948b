/** A shop's way to a model: triplets made of its catalogue, training on them, recall counted in both ways. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runProgram } from "../../src/cli/run-program.js";
import { openTriplets } from "../../src/data/datasets/triplets-folder.js";
import { ImageCache } from "../../src/data/image-cache.js";
import { generateCatalogue } from "../../src/data/synthetic/generate.js";
import type { RetrievalDataset } from "../../src/data/triplet.js";
import { evaluate } from "../../src/evaluation/evaluate.js";
import { defaultProtocol } from "../../src/evaluation/protocols.js";
import { ModelEmbedder } from "../../src/retrieval/model-embedder.js";
import { openRun } from "../../src/training/open-run.js";
import { resolveRunConfig } from "../../src/training/run-config.js";
import { train } from "../../src/training/train.js";
import { recordingContext } from "../cli/recording-context.js";

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "triplets-training-"));
  await generateCatalogue(join(folder, "shop"), { itemsPerCategory: 20, triplets: 30, sizePx: 64 });
});
afterAll(() => rmSync(folder, { recursive: true }));

const config = resolveRunConfig({
  file: {
    model: "tirg",
    ...{ backbone: "resnet18", backboneWidth: 0.0625, embedDim: 32, wordDim: 16 },
    ...{ batchSize: 16, epochs: 1, learningRate: 2e-3, imagePx: 64, resizePx: 64, maxWords: 12, holdOut: 0 },
  },
});
const session = { threadCount: 1 };

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
    const args = [
      "--catalogue",
      join(folder, "shop/catalogue.csv"),
      "--attributes",
      "sleeves,fit",
      "--out",
      out,
    ];
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
    const names = readdirSync(join(folder, "shop/images")).slice(0, 33);
    const lines = names.slice(1).map((target, i) => ({
      reference: `images/${names[i]}`,
      target: target.replace(".jpg", ""),
      text: "is the next one",
    }));
    writeFileSync(join(root, "triplets.jsonl"), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    writeFileSync(join(root, "dataset.json"), '{"format": 1, "imageRoot": "../shop"}');
    const summary = await train({
      dataset: openTriplets(root),
      config,
      runDir: join(folder, "run2"),
      session,
    });
    expect([summary.status, summary.steps]).toEqual(["complete", 2]);
  });
});
