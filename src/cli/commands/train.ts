/** `sdfn train`: trains a model on a data set and writes a run folder, or goes on with one. */
import { Command } from "commander";
import { z } from "zod";
import { datasetNames, openDataset } from "../../data/datasets/open-dataset.js";
import { isModelPath, modelFileOf, modelNames } from "../../models/registry.js";
import { type RunConfig, resolveRunConfig } from "../../runs/run-config.js";
import { readManifest } from "../../runs/run-files.js";
import { loadRunModel } from "../../runs/run-model.js";
import { checkpointChoices } from "../../training/checkpoint-store.js";
import { defaultFeatureCache } from "../../training/frozen-features.js";
import { defaultCheckpointMinutes, resumeTraining, type TrainSummary, train } from "../../training/train.js";
import { readConfigFile } from "../flags/config-file.js";
import { datasetFlag, datasetOption } from "../flags/dataset-flag.js";
import { choiceFlag, readFlags, seedFlag, switchFlag, textFlag } from "../flags/flags.js";
import {
  imageCacheBoundOption,
  imageCacheFields,
  imageCacheOf,
  imageCacheOption,
} from "../flags/image-cache-flags.js";
import { modelFlag, modelNamed } from "../flags/model-flag.js";
import { type CommandContext, printJson } from "../terminal/context.js";
import { duration } from "../terminal/progress.js";
import { trainingView } from "../views/training-view.js";

/** Options of a new run and of one that is gone on with. */
const commonFields = {
  dataset: datasetFlag,
  config: textFlag.optional(),
  model: modelFlag.optional(),
  seed: seedFlag.optional(),
  category: textFlag.optional(),
  freezeBackbone: switchFlag,
  featureCache: textFlag.optional(),
  set: z.array(z.string().regex(/^[^=\s]+=/, "must be FIELD=VALUE")).default([]),
  checkpointMinutes: z
    .string()
    .regex(/^\d+(\.\d+)?$/, "must be minutes, 0 or more")
    .transform(Number)
    .default(defaultCheckpointMinutes),
  skipMemoryCheck: switchFlag,
  ...imageCacheFields,
  json: switchFlag,
};

const startFields = {
  ...commonFields,
  data: textFlag,
  out: textFlag,
  backboneWeights: textFlag.optional(),
  wordVectors: textFlag.optional(),
  checkpoint: z.undefined({ error: "goes with --resume" }).optional(),
};

const notWithResume = z.undefined({ error: "cannot be given with --resume, the run has its own" }).optional();

const resumeFields = {
  ...commonFields,
  resume: textFlag,
  data: textFlag.optional(),
  out: notWithResume,
  backboneWeights: notWithResume,
  wordVectors: notWithResume,
  checkpoint: choiceFlag(checkpointChoices).default("latest"),
};

/** The command, ready to be added to a program. */
export function trainCommand(context: CommandContext): Command {
  return new Command("train")
    .description(
      "Train a model on a data set: FashionIQ, Shoes, Fashion200k, or any folder in the layout of one.\n" +
        "The run folder holds configuration, vocabulary, metrics (JSON lines) and parameters (safetensors).",
    )
    .option("--data <dir>", "folder of the data set (required; with --resume the run's own by default)")
    .option(...datasetOption)
    .option("--out <dir>", "new folder for the run (required)")
    .option("--config <file>", "JSON file of configuration fields")
    .option(
      "--model <name>",
      `what to train: ${modelNames.join(", ")}, or a file with a model of your own (default sdfn)`,
    )
    .option("--seed <n>", "seed of everything random (default 1)")
    .option("--category <name>", "train on one category only: --set category=NAME")
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
    .option(
      "--resume <dir>",
      "go on with the run in this folder, bit for bit as if it had never been stopped",
    )
    .option(
      "--checkpoint <which>",
      `with --resume: ${checkpointChoices.join(" or ")} (default latest); the one before it when the latest is damaged`,
    )
    .option(
      "--checkpoint-minutes <n>",
      `time between checkpoints, besides those after every epoch (default ${defaultCheckpointMinutes})`,
    )
    .option("--skip-memory-check", "train even where it is thought to need more memory than is free")
    .option(...imageCacheOption)
    .option(...imageCacheBoundOption)
    .option("--json", "print one JSON line at the end instead of text")
    .addHelpText(
      "after",
      "\nCtrl-C stops after the step under way and saves the run; so does a full disk or an image that broke, and what a\n" +
        "crash leaves can be resumed too. With --resume, configuration options are compared with the run's, not changed.\n" +
        "\nExamples:\n" +
        "  $ sdfn train --data data/synthetic --out runs/sdfn --config configs/demo.json\n" +
        "  $ sdfn train --data data/synthetic --out runs/tirg --model tirg --set epochs=3 batchSize=16\n" +
        "  $ sdfn train --data data/fashioniq --out runs/dress --category dress --set keep=best patience=10\n" +
        "  $ sdfn train --data data/fashioniq --out runs/paper --config configs/fashioniq.json \\\n" +
        "      --backbone-weights resnet50.pth --word-vectors glove.840B.300d.txt\n" +
        "  $ sdfn train --data data/synthetic --out runs/own --model ./my-model.mjs\n" +
        "  $ sdfn train --resume runs/paper",
    )
    .action((given: Record<string, unknown>) =>
      given.resume === undefined ? start(given, context) : resume(given, context),
    );
}

type Common = Omit<ReturnType<typeof readFlags<typeof commonFields>>, "dataset">;

async function start(given: Readonly<Record<string, unknown>>, context: CommandContext): Promise<void> {
  const flags = readFlags("train", startFields, given);
  const model = flags.model === undefined ? undefined : await modelNamed(flags.model);
  const config = configOf({ ...flags, model }, {});
  await show(flags, context, { config, runDir: flags.out, data: flags.data }, (shared) =>
    train({
      ...shared,
      dataset: openDataset(flags.data, flags.dataset),
      config,
      initial: { backboneWeights: flags.backboneWeights, wordVectors: flags.wordVectors },
    }),
  );
}

async function resume(given: Readonly<Record<string, unknown>>, context: CommandContext): Promise<void> {
  const flags = readFlags("train", resumeFields, given);
  const { dataset, config: saved } = readManifest(flags.resume);
  const file = flags.model !== undefined && isModelPath(flags.model) ? flags.model : undefined;
  await loadRunModel(flags.resume, file);
  const config = configOf(file === undefined ? flags : { ...flags, model: undefined }, saved);
  const { data = dataset.root, checkpoint } = flags;
  const kind = flags.dataset ?? datasetNames.find((name) => name === dataset.name);
  await show(flags, context, { config, runDir: flags.resume, data }, (shared) =>
    resumeTraining({ ...shared, dataset: openDataset(data, kind), config, checkpoint }),
  );
}

/** The configuration of the options, over `base`. */
function configOf(flags: Common, base: Readonly<Record<string, unknown>>): RunConfig {
  const file = flags.config === undefined ? {} : readConfigFile(flags.config);
  return resolveRunConfig({
    file: isFields(file) ? { ...base, ...file } : file,
    model: flags.model,
    seed: flags.seed,
    set: [
      ...flags.set,
      ...(flags.freezeBackbone ? ["freezeBackbone=true"] : []),
      ...(flags.category === undefined ? [] : [`category=${JSON.stringify(flags.category)}`]),
    ],
  });
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Trains with a view of it, and says how it ended. */
async function show(
  flags: Common,
  context: CommandContext,
  { config, runDir, data }: { readonly config: RunConfig; readonly runDir: string; readonly data: string },
  work: (
    shared: Omit<Parameters<typeof train>[0], "dataset" | "config" | "initial">,
  ) => Promise<TrainSummary>,
): Promise<void> {
  const { epochs, batchSize } = config.training;
  const view = trainingView(context, { json: flags.json, epochs, batchSize });
  let summary: TrainSummary;
  try {
    summary = await work({
      runDir,
      imageCache: imageCacheOf(flags),
      signal: context.signal,
      ...(flags.featureCache === undefined ? {} : { featureCacheDir: flags.featureCache }),
      checkpointMinutes: flags.checkpointMinutes,
      ...(flags.skipMemoryCheck ? { availableBytes: Number.POSITIVE_INFINITY } : {}),
      onEvent: view.onEvent,
    });
  } finally {
    view.close();
  }
  const { status, steps, seconds, lastEpoch } = summary;
  if (flags.json) {
    const validation = lastEpoch?.validation ?? null;
    printJson(context, { run: runDir, model: config.model, status, steps, seconds, validation });
    return;
  }
  const file = modelFileOf(config.model);
  const run = file ? `${runDir} --model ${file.path}` : runDir;
  const next =
    status === "interrupted"
      ? `go on with: sdfn train --resume ${run}`
      : `next: sdfn evaluate --run ${run} --data ${data}\n` + `      sdfn report --run ${run} --data ${data}`;
  context.stdout.write(`${status} after ${steps} steps, ${duration(seconds)}: ${runDir}\n${next}\n`);
}
