/** What `sdfn compare` and `sdfn ablate` have in common: options, the run of the grid, and what is said at the end. */
import { availableParallelism } from "node:os";
import { z } from "zod";
import { openDataset } from "../../data/datasets/open-dataset.js";
import { usualEvaluation } from "../../data/triplet.js";
import { requireTargets } from "../../evaluation/evaluate.js";
import { protocolFor } from "../../evaluation/protocols.js";
import { type GridCell, type GridRow, planCells } from "../../experiments/grid-cells.js";
import { gridDataOf } from "../../experiments/grid-data.js";
import { GridFolder } from "../../experiments/grid-folder.js";
import { planTrials, type Tuning, tunedRows } from "../../experiments/tune-rows.js";
import { fieldValue } from "../../runs/run-config.js";
import { defaultFeatureCache } from "../../training/frozen-features.js";
import { readConfigFile } from "../flags/config-file.js";
import { imageCacheOf, imageCacheOptions } from "../flags/image-cache-flags.js";
import { option, type Values } from "../flags/option.js";
import { assignments, seed, text, wholeNumber } from "../flags/option-types.js";
import {
  dataOption,
  datasetOption,
  evaluatedSplitOption,
  jsonOption,
  protocolOption,
  weightsOptions,
} from "../flags/shared-options.js";
import { type CommandContext, ExitCode } from "../terminal/context.js";
import { hashesOf, jobsOf, runAndWrite, runTrials } from "./grid-run.js";

/** "learningRate=0.0005,0.0015"; values are JSON where they can be, text otherwise. */
const tuning = z
  .string()
  .regex(
    /^[A-Za-z][A-Za-z0-9]*=[^,]+(,[^,]+)+$/,
    "must be a field and two or more values, such as learningRate=0.0005,0.0015",
  )
  .transform((given): Tuning => {
    const at = given.indexOf("=");
    return {
      field: given.slice(0, at),
      values: given
        .slice(at + 1)
        .split(",")
        .map(fieldValue),
    };
  });

/** The options that both have. */
export const gridOptions = [
  dataOption,
  datasetOption,
  option("--out <dir>", "folder of the grid: a new one, or one to continue", text, { required: true }),
  option("--config <file>", "JSON file of configuration fields for all of them", text),
  option(
    "--set <field=value...>",
    "configuration fields for all of them, after those of --config; may be repeated",
    assignments,
  ),
  option("--seeds <n>", "trainings of each, with seeds one after another", wholeNumber({ min: 1, max: 30 }), {
    default: 3,
  }),
  option("--first-seed <n>", "the first of these seeds", seed, { default: 1 }),
  option(
    "--tune <field=values>",
    "first train each row with each of these values, one seed, and keep the one with the highest recall on triplets held out of train: learningRate=0.0005,0.0015",
    tuning,
  ),
  evaluatedSplitOption,
  protocolOption,
  option(
    "--jobs <n>",
    "trainings at a time, each in a process of its own; fewer where cores or memory do not allow it",
    wholeNumber({ min: 1, max: 256 }),
    { default: 1 },
  ),
  option("--threads <n>", "threads of each training", wholeNumber({ min: 1, max: 1024 }), {
    otherwise: "the cores, divided by --jobs",
  }),
  ...weightsOptions,
  option("--feature-cache <dir>", "where a frozen backbone's feature maps are kept", text, {
    default: defaultFeatureCache,
  }),
  ...imageCacheOptions,
  jsonOption,
];

export type GridFlags = Values<typeof gridOptions>;

/** For the help of both. */
export const gridHelp =
  "\nStop at any time and give the same command again: finished trainings are not run again, those under way resume from\n" +
  "their last checkpoints to the same numbers (with as many threads as before), failed ones are tried again. More seeds or\n" +
  "rows can be asked for in the same folder; another configuration, other weights or other data are refused.\n" +
  "The folder gets report.html, comparison.md, .csv and .json, differences.csv and a chart (recall-at-10.svg, by the metric\n" +
  "that the data set is compared by); each training lies below cells/, what the process of one says besides below logs/.\n";

export interface Grid {
  readonly command: "compare" | "ablate";
  readonly rows: readonly GridRow[];
  readonly title: string;
  readonly lead: string;
}

/** The configuration file's content, or nothing. @throws ConfigError */
export function gridConfigFile({ config }: Pick<GridFlags, "config">): { readonly file?: unknown } {
  return config === undefined ? {} : { file: readConfigFile(config) };
}

/**
 * Runs the grid and writes the comparison of what is finished, also when it is stopped.
 * @throws ExitCode 1 when a cell failed; whatever is wrong with data, options or folder before anything is trained.
 */
export async function runGridCommand(
  { command, rows, title, lead }: Grid,
  flags: GridFlags,
  context: CommandContext,
): Promise<void> {
  const seeds = Array.from({ length: flags.seeds }, (_, i) => flags.firstSeed + i);
  const plan = { set: flags.set, ...gridConfigFile(flags) };
  const { partial } = planCells({ ...plan, rows, seeds });
  const trials = flags.tune ? planTrials(rows, flags.tune, { ...plan, seeds: [flags.firstSeed] }) : [];
  const dataset = openDataset(flags.data, flags.dataset);
  const split = flags.split ?? (dataset.evaluation ?? usualEvaluation).split;
  requireTargets(dataset.split(split));
  const data = gridDataOf(dataset, ["train", split]); // a missing file fails no cell, but the command
  const protocol = protocolFor(dataset, { name: flags.protocol });
  const { backboneWeights, wordVectors } = flags;
  const measure = {
    root: dataset.root,
    split,
    protocol,
    weights: hashesOf({ backboneWeights, wordVectors }),
  };
  const folder = await GridFolder.open(flags.out, command, { measure, data });
  try {
    if (!flags.json) {
      for (const [field, models] of partial) context.stderr.write(`${field}: of ${models.join(", ")} only\n`);
    }
    const surroundings = {
      dataset,
      split,
      protocol,
      initial: { backboneWeights, wordVectors },
      imageCache: imageCacheOf(flags),
      featureCacheDir: flags.featureCache,
    };
    const gridOf = async (cells: readonly GridCell[]) => {
      const grid = { cells, states: folder.states(cells), folder };
      const jobs = await jobsOf(grid, surroundings, { flags, context });
      const threadCount = flags.threads ?? Math.max(1, Math.floor(availableParallelism() / jobs));
      return { ...grid, surroundings: { ...surroundings, session: { threadCount } }, jobs };
    };
    const recalls =
      trials.length > 0
        ? await runTrials(await gridOf(trials), { flags, context })
        : new Map<string, number>();
    const tuned = flags.tune ? tunedRows(rows, flags.tune, recalls) : { rows, tuned: [] };
    const { cells } = planCells({ ...plan, rows: tuned.rows, seeds });
    const written = await runAndWrite(await gridOf(cells), { ...tuned, title, lead }, { flags, context });
    if (written.failures.length > 0) throw new ExitCode(1);
  } finally {
    await folder.close();
  }
}
