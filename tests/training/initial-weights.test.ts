/** Training that starts from files: does it, and can the run say from which? */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runProgram } from "../../src/cli/run-program.js";
import { Random } from "../../src/engine/tensor/random.js";
import { ResNet } from "../../src/models/backbones/resnet.js";
import { openRun } from "../../src/runs/open-run.js";
import { writeSafetensors } from "../../src/tensor-files/safetensors.js";
import { recordingContext } from "../cli/recording-context.js";
import { tinyCatalogue, tinySdfn } from "./tiny-training.js";

const { folder, data } = tinyCatalogue();

it("starts from the weights and word vectors of the files, and records them in the run", async () => {
  const [out, config, context] = [join(folder, "run"), join(folder, "config.json"), recordingContext()];
  // A rate at which nothing moves.
  const still = { epochs: 1, learningRate: 1e-12, holdOut: 0, backboneStatistics: "frozen" };
  writeFileSync(config, JSON.stringify({ ...tinySdfn, ...still, wordDim: 3 }));
  const pretrained = new ResNet("resnet18", new Random(9), { width: 1 / 16 });
  const [backbone, words] = [join(folder, "resnet.safetensors"), join(folder, "words.txt")];
  writeSafetensors(backbone, pretrained.stateDict());
  writeFileSync(words, "and 0.25 -0.5 1\n");
  const files = ["--backbone-weights", backbone, "--word-vectors", words];
  const code = await runProgram(
    ["train", "--data", data, "--out", out, "--config", config, ...files],
    context,
  );
  expect(context.errors()).toMatch(/1 of \d+ words found/);
  expect(code).toBe(0);
  const { model, manifest, vocabulary } = openRun(out);
  for (const [name, { data: expected }] of pretrained.stateDict()) {
    const actual = model.image.backbone.state().get(name)?.data ?? [];
    expect(Math.max(...expected.map((value, i) => Math.abs(value - (actual[i] ?? Number.NaN))))).toBeLessThan(
      1e-6,
    );
  }
  const row = vocabulary.tokenOf("and") * 3;
  for (const [i, value] of [0.25, -0.5, 1].entries())
    expect(model.text.wordVectors?.data[row + i]).toBeCloseTo(value, 6);
  expect(manifest.initialWeights).toMatchObject({
    backboneWeights: { file: "resnet.safetensors", format: "safetensors" },
    wordVectors: { file: "words.txt", wordsFound: 1 },
  });
});
