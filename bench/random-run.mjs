// A run of SDFN at the paper's size, not trained, which benchmarks of serving export.

import { Random } from "../dist/engine/tensor/random.js";
import { createModel } from "../dist/models/registry.js";
import { projectCommit } from "../dist/runs/project-version.js";
import { resolveRunConfig } from "../dist/runs/run-config.js";
import { Vocabulary } from "../dist/text/vocabulary.js";

export const vocabularySize = 5000;

/** SDFN at the paper's size with random weights, as a run. */
export function randomRun(embedDim) {
  const config = resolveRunConfig({ file: { embedDim, imagePx: 224, resizePx: 256 } });
  const vocabulary = new Vocabulary(Array.from({ length: vocabularySize - 2 }, (_, i) => wordOf(i + 2)));
  const model = createModel("sdfn", config.modelConfig, { vocabularySize, random: new Random(1) });
  const commit = projectCommit();
  const manifest = { commit, dataset: { name: "none" }, step: 0, status: "complete", startedAt: "" };
  return { runDir: "none", manifest, config, vocabulary, model };
}

/** @param {number} token */
export function wordOf(token) {
  return `w${token}`;
}
