/** `sdfn train`: trains a model on a data set and writes a run folder. */
import { Command } from "commander";
import { z } from "zod";
import { openDataset } from "../../data/datasets/open-dataset.js";
import { modelNames } from "../../models/registry.js";
import { defaultFeatureCache } from "../../training/frozen-features.js";
import { resolveRunConfig } from "../../training/run-config.js";
import { type TrainSummary, train } from "../../training/train.js";
import { readConfigFile } from "../config-file.js";
import { type CommandContext, printJson } from "../context.js";
import { datasetFlag, datasetOption } from "../dataset-flag.js";
import { choiceFlag, readFlags, seedFlag, switchFlag, textFlag } from "../flags.js";
import {
  imageCacheBoundOption,
  imageCacheFields,
  imageCacheOf,
  imageCacheOption,
} from "../image-cache-flags.js";
import { duration } from "../progress.js";
import { trainingView } from "../training-view.js";

const fields = {
  data: textFlag,
  dataset: datasetFlag,
  out: textFlag,
  config: textFlag.optional(),
  model: choiceFlag(modelNames).optional(),
  seed: seedFlag.optional(),
  freezeBackbone: switchFlag,
  featureCache: textFlag.default(defaultFeatureCache),
  backboneWeights: textFlag.optional(),
  wordVectors: textFlag.optional(),
  set: z.array(z.string().regex(/^[^=\s]+=/, "must be FIELD=VALUE")).default([]),
  ...imageCacheFields,
  json: switchFlag,
};

/** The command, ready to be added to a program. */
export function trainCommand(context: CommandContext): Command {
  return new Command("train")
    .description(
      "Train a model on a data set: FashionIQ, Shoes, Fashion200k, or any folder in the layout of one.\n" +
        "The run folder holds configuration, vocabulary, metrics (JSON lines) and parameters (safetensors).",
    )
    .option("--data <dir>", "folder of the data set (required)")
    .option(...datasetOption)
    .option("--out <dir>", "new folder for the run (required)")
    .option("--config <file>", "JSON file of configuration fields")
    .option("--model <name>", `what to train: ${modelNames.join(", ")} (default sdfn)`)
    .option("--seed <n>", "seed of everything random (default 1)")
    .option("--set <field=value...>", "configuration fields, after those of --config; may be repeated")
    .option("--freeze-backbone", "train from feature maps that are computed once: --set freezeBackbone=true")
    .option(
      "--feature-cache <dir>",
      `where those are kept, for other runs too (default ${defaultFeatureCache})`,
    )
    .option(
      "--backbone-weights <file>",
      "start the backbone from a ResNet's weights: safetensors, or torchvision's .pth",
    )
    .option("--word-vectors <file>", "start the words from vectors in GloVe's text format")
    .option(...imageCacheOption)
    .option(...imageCacheBoundOption)
    .option("--json", "print one JSON line at the end instead of text")
    .addHelpText(
      "after",
      "\nCtrl-C stops after the step under way and saves the run.\n" +
        "\nExamples:\n" +
        "  $ sdfn train --data data/synthetic --out runs/sdfn --config configs/demo.json\n" +
        "  $ sdfn train --data data/synthetic --out runs/tirg --model tirg --set epochs=3 batchSize=16\n" +
        "  $ sdfn train --data data/fashioniq --out runs/one-router --set router=shared --seed 7 --json\n" +
        "  $ sdfn train --data data/fashioniq --out runs/paper --config configs/fashioniq.json \\\n" +
        "      --backbone-weights resnet50.pth --word-vectors glove.840B.300d.txt",
    )
    .action((given: Record<string, unknown>) => run(given, context));
}

async function run(given: Readonly<Record<string, unknown>>, context: CommandContext): Promise<void> {
  const flags = readFlags("train", fields, given);
  const config = resolveRunConfig({
    ...(flags.config === undefined ? {} : { file: readConfigFile(flags.config) }),
    model: flags.model,
    seed: flags.seed,
    set: [...flags.set, ...(flags.freezeBackbone ? ["freezeBackbone=true"] : [])],
  });
  const { epochs, batchSize } = config.training;
  const view = trainingView(context, { json: flags.json, epochs, batchSize });
  let summary: TrainSummary;
  try {
    summary = await train({
      dataset: openDataset(flags.data, flags.dataset),
      config,
      runDir: flags.out,
      imageCache: imageCacheOf(flags),
      initial: { backboneWeights: flags.backboneWeights, wordVectors: flags.wordVectors },
      signal: context.signal,
      featureCacheDir: flags.featureCache,
      onEvent: view.onEvent,
    });
  } finally {
    view.close();
  }
  const { status, steps, seconds, lastEpoch } = summary;
  if (flags.json) {
    const validation = lastEpoch?.validation ?? null;
    printJson(context, { run: flags.out, model: config.model, status, steps, seconds, validation });
    return;
  }
  context.stdout.write(
    `${status} after ${steps} steps, ${duration(seconds)}: ${flags.out}\n` +
      `next: sdfn evaluate --run ${flags.out} --data ${flags.data}\n` +
      `      sdfn report --run ${flags.out} --data ${flags.data}\n`,
  );
}
