/** A catalogue of a few drawn garments, and small models trained on it for one epoch. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openFashionIq } from "../../src/data/datasets/fashion-iq.js";
import { generateCatalogue } from "../../src/data/synthetic/generate.js";
import { syntheticOptions } from "../../src/data/synthetic/options.js";
import type { RetrievalDataset } from "../../src/data/triplet.js";
import { openRun, type Run } from "../../src/runs/open-run.js";
import { resolveRunConfig } from "../../src/runs/run-config.js";
import { train } from "../../src/training/train.js";
import { tinyModel } from "../fixtures/tiny-model.js";

/** Sizes that differ where an axis could be swapped: 3 x 3 regions of 70 px, 48 features, 11 words. */
const tiny = {
  ...tinyModel,
  embedDim: 48,
  wordDim: 10,
  learningRate: 5e-3,
  imagePx: 70,
  resizePx: 76,
  maxWords: 11,
};
const ofSdfn = { heads: 4, layers: 2 };

export interface TrainedRuns {
  readonly root: string;
  readonly dataset: RetrievalDataset;
  /** Ids of pictures of the validation split. */
  readonly ids: readonly string[];
  train(name: string, fields?: Readonly<Record<string, unknown>>): Promise<Run>;
  remove(): void;
}

export async function trainedRuns(): Promise<TrainedRuns> {
  const root = mkdtempSync(join(tmpdir(), "bundle-"));
  const data = join(root, "catalogue");
  await generateCatalogue(data, syntheticOptions({ itemsPerCategory: 20, triplets: 60, sizePx: 76 }));
  const dataset = openFashionIq(data);
  return {
    root,
    dataset,
    ids: dataset.split("val").images.get("dress") ?? [],
    async train(name, fields = {}) {
      const model = fields.model ?? "sdfn";
      const file = { ...tiny, ...(model === "sdfn" ? ofSdfn : {}), ...fields };
      const runDir = join(root, name);
      await train({
        dataset,
        config: resolveRunConfig({ file }),
        runDir,
        featureCacheDir: join(root, "features"),
        session: { threadCount: 1 },
      });
      return openRun(runDir);
    },
    remove: () => rmSync(root, { recursive: true }),
  };
}
