/** `sdfn train`: trains a model on a data set and writes a run folder, or resumes one. */
import type { Command } from "commander";
import { z } from "zod";
import { datasetNames, openDataset } from "../../data/datasets/open-dataset.js";
import { isModelPath, modelFileOf } from "../../models/registry.js";
import { formatDuration } from "../../report/format.js";
import { isFields, type RunConfig, resolveRunConfig } from "../../runs/run-config.js";
import { readManifest } from "../../runs/run-files.js";
import { loadRunModel } from "../../runs/run-model.js";
import { checkpointChoices } from "../../training/checkpoint-store.js";
import { defaultFeatureCache } from "../../training/frozen-features.js";
import { defaultCheckpointMinutes, resumeTraining, type TrainSummary, train } from "../../training/train.js";
import { readConfigFile } from "../flags/config-file.js";
import { imageCacheOf, imageCacheOptions } from "../flags/image-cache-flags.js";
import { modelChoices, modelNamed, modelOrFile } from "../flags/model-flag.js";
import { option, type Values } from "../flags/option.js";
import { OptionCommand } from "../flags/option-command.js";
import { assignments, choice, onOff, seed, text } from "../flags/option-types.js";
import { readOptions } from "../flags/read-options.js";
import { datasetOption, jsonOption, weightsOptions } from "../flags/shared-options.js";
import { type CommandContext, printJson } from "../terminal/context.js";
import { trainingView } from "../views/training-view.js";

/** The defaults of every field. */
const usual = resolveRunConfig({});

/** Options of a new run and of one that is resumed. */
const commonOptions = [
  datasetOption,
  option("--config <file>", "JSON file of configuration fields", text),
  option("--model <name>", `what to train: ${modelChoices}`, modelOrFile, {
    otherwise: `that of --config, else ${usual.model}`,
  }),
  option("--seed <n>", "seed of everything random", seed, {
    otherwise: `that of --config, else ${usual.training.seed}`,
  }),
  option("--category <name>", "train on one category only: --set category=NAME", text),
  option(
    "--set <field=value...>",
    "configuration fields, after those of --config; may be repeated",
    assignments,
  ),
  option(
    "--freeze-backbone",
    "train from feature maps that are computed once: --set freezeBackbone=true",
    onOff,
  ),
  option("--feature-cache <dir>", "where those are kept, for other runs too", text, {
    default: defaultFeatureCache,
  }),
  option(
    "--checkpoint-minutes <n>",
    "time between checkpoints, besides those after every epoch",
    z
      .string()
      .regex(/^\d+(\.\d+)?$/, "must be minutes, 0 or more")
      .transform(Number),
    { default: defaultCheckpointMinutes },
  ),
  option("--skip-memory-check", "train even where it is thought to need more memory than is free", onOff),
  ...imageCacheOptions,
  jsonOption,
];

const newRunOptions = [
  option("--data <dir>", "folder of the data set; with --resume the run's own if not given", text, {
    required: true,
  }),
  option("--out <dir>", "new folder for the run", text, { required: true }),
  ...weightsOptions,
];
const startOptions = [...newRunOptions, ...commonOptions];

const checkpointOptions = [
  option(
    "--resume <dir>",
    "resume the run in this folder, bit for bit as if it had never been stopped",
    text,
    { required: true },
  ),
  option(
    "--checkpoint <which>",
    "where to start; previous is for a run whose latest one is damaged",
    choice(checkpointChoices),
    { default: "latest" },
  ),
];
const resumeOptions = [
  ...checkpointOptions,
  option("--data <dir>", "folder of the data set", text, { otherwise: "the run's own" }),
  ...commonOptions,
];

const options = [
  "For a new run:",
  ...newRunOptions,
  "To resume a run:",
  ...checkpointOptions,
  "Options:",
  ...commonOptions,
];

/** The command, ready to be added to a program. */
export function trainCommand(context: CommandContext): Command {
  return new OptionCommand("train", options, (given) =>
    given.values.resume === undefined
      ? start(readOptions(given, startOptions, "goes with --resume"), context)
      : resume(
          readOptions(given, resumeOptions, "cannot be given with --resume, the run has its own"),
          context,
        ),
  )
    .description(
      "Train a model on a data set: FashionIQ, Shoes, Fashion200k, or any folder in the layout of one.\n" +
        "The run folder holds configuration, vocabulary, metrics (JSON lines) and parameters (safetensors).",
    )
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
    );
}

type CommonFlags = Values<typeof commonOptions>;

async function start(flags: Values<typeof startOptions>, context: CommandContext): Promise<void> {
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

async function resume(flags: Values<typeof resumeOptions>, context: CommandContext): Promise<void> {
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
function configOf(flags: CommonFlags, base: Readonly<Record<string, unknown>>): RunConfig {
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

/** Trains with a view of it, and says how it ended. */
async function show(
  flags: CommonFlags,
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
      featureCacheDir: flags.featureCache,
      checkpointMinutes: flags.checkpointMinutes,
      availableBytes: flags.skipMemoryCheck ? Number.POSITIVE_INFINITY : undefined,
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
      ? `resume with: sdfn train --resume ${run}`
      : `next: sdfn evaluate --run ${run} --data ${data}\n` + `      sdfn report --run ${run} --data ${data}`;
  context.stdout.write(`${status} after ${steps} steps, ${formatDuration(seconds)}: ${runDir}\n${next}\n`);
}
