/** A run whose model was never trained: enough where numbers do not matter. */

import { Random } from "../../src/engine/tensor/random.js";
import { createModel } from "../../src/models/registry.js";
import type { Run } from "../../src/runs/open-run.js";
import { resolveRunConfig } from "../../src/runs/run-config.js";
import { Vocabulary } from "../../src/text/vocabulary.js";
import { tinyModel } from "../fixtures/tiny-model.js";

const tiny = { ...tinyModel, embedDim: 8, wordDim: 6, resizePx: 40, maxWords: 5 };
const tinySdfn = { ...tiny, heads: 2, layers: 2 };

/** Of SDFN, unless the fields name another model. */
export function untrainedRun(fields: Readonly<Record<string, unknown>> = {}): Run {
  const config = resolveRunConfig({ file: { ...(fields.model === undefined ? tinySdfn : tiny), ...fields } });
  const vocabulary = new Vocabulary(["is", "red", "blue"]);
  const model = createModel(config.model, config.modelConfig, {
    vocabularySize: vocabulary.size,
    imagePx: config.training.imagePx,
    random: new Random(7),
  });
  return {
    runDir: "never-trained",
    manifest: {
      format: 1,
      status: "complete",
      commit: "abc",
      dataset: { name: "drawn", root: "/somewhere/private" },
      config: { ...config.fields },
      step: 0,
      startedAt: "2026-01-02T03:04:05.000Z",
      seconds: 0,
    },
    config,
    vocabulary,
    phrases: ["is red", "is blue"],
    model,
  };
}
