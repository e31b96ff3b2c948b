/** A run whose model has another form in this version, with other layers: opened and resumed, it says so. */
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openFashionIq } from "../../src/data/datasets/fashion-iq.js";
import type { Random } from "../../src/engine/tensor/random.js";
import { StateDictError } from "../../src/errors.js";
import { type Composition, CompositionModel } from "../../src/models/composition-model.js";
import type { EncoderConfig } from "../../src/models/encoder-config.js";
import type { ImageFeatures } from "../../src/models/image-encoder.js";
import { defineModel } from "../../src/models/model-definition.js";
import { registerModel } from "../../src/models/registry.js";
import { Linear } from "../../src/nn/linear.js";
import { openRun } from "../../src/runs/open-run.js";
import { resolveRunConfig } from "../../src/runs/run-config.js";
import { readManifest } from "../../src/runs/run-files.js";
import { resumeTraining, train } from "../../src/training/train.js";
import { session, tinyCatalogue, tinyFields } from "./tiny-training.js";

const { folder, data } = tinyCatalogue();
const runDir = join(folder, "older");

class Older extends CompositionModel {
  readonly linear1: Linear;

  constructor(config: EncoderConfig, vocabularySize: number, random: Random) {
    super(config, vocabularySize, random);
    this.linear1 = new Linear(config.embedDim, config.embedDim, random);
  }

  compose({ embedding }: ImageFeatures): Composition {
    return { q: this.linear1.forward(embedding) };
  }
}

class Newer extends CompositionModel {
  readonly project: Linear;

  constructor(config: EncoderConfig, vocabularySize: number, random: Random) {
    super(config, vocabularySize, random);
    this.project = new Linear(config.embedDim, config.embedDim, random);
  }

  compose({ embedding }: ImageFeatures): Composition {
    return { q: this.project.forward(embedding) };
  }
}

const register = (modelClass: typeof Older | typeof Newer) =>
  registerModel(defineModel({ name: "changing", modelClass }), { path: "changing", sha256: "" });

beforeAll(async () => {
  register(Older);
  const controller = new AbortController();
  const { status } = await train({
    dataset: openFashionIq(data),
    config: resolveRunConfig({ file: { ...tinyFields, model: "changing" } }),
    runDir,
    session,
    signal: controller.signal,
    onEvent: (event) => {
      if (event.kind === "epoch") controller.abort();
    },
  });
  expect(status).toBe("interrupted");
  register(Newer);
});

describe("a run whose model has another form now", () => {
  const expected = () =>
    `${runDir}: was trained by ${readManifest(runDir).commit}, whose model changing had other layers than this version's; ` +
    "open it with that version, or train anew into another folder; CHANGELOG.md says what changed\n" +
    "state dict does not match the module:\n  - missing project.weight\n";

  it("is not opened: the error names the run, the version that can, and what differs", () => {
    expect(() => openRun(runDir)).toThrow(StateDictError);
    expect(() => openRun(runDir)).toThrow(expected());
  });

  it("is not resumed, for the same reason", async () => {
    const resumed = resumeTraining({ dataset: openFashionIq(data), runDir, session });
    await expect(resumed).rejects.toThrow(expected());
  });
});
