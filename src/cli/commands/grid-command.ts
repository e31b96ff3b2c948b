/** What `sdfn compare` and `sdfn ablate` have in common: options, the run of the grid, and what is said at the end. */
import { openDataset } from "../../data/datasets/open-dataset.js";
import { usualEvaluation } from "../../data/triplet.js";
import { requireTargets } from "../../evaluation/evaluate.js";
import { headlines, metricLabel } from "../../evaluation/metrics.js";
import { protocolFor } from "../../evaluation/protocols.js";
import { type GridRow, planCells } from "../../experiments/grid-cells.js";
import { gridDataOf } from "../../experiments/grid-data.js";
import { GridFolder } from "../../experiments/grid-folder.js";
import { type CellOutcome, runGrid } from "../../experiments/run-grid.js";
import { type WrittenComparison, writeComparison } from "../../experiments/write-comparison.js";
import { formatInterval, formatPoints, formatSpread } from "../../report/format.js";
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
} from "../flags/shared-options.js";
import { type CommandContext, ExitCode, printJson } from "../terminal/context.js";
import { textTable } from "../terminal/text-table.js";
import { gridView } from "../views/grid-view.js";
import { imageCheckView } from "../views/image-check-view.js";

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
  evaluatedSplitOption,
  protocolOption,
  ...imageCacheOptions,
  jsonOption,
];

export type GridFlags = Values<typeof gridOptions>;

/** For the help of both. */
export const gridHelp =
  "\nTrainings run one after another. Stop at any time and give the same command again: finished ones are not run again,\n" +
  "the one under way resumes from its last checkpoint to the same numbers, failed ones are tried again. More seeds or rows\n" +
  "can be asked for in the same folder; another configuration or other data are refused.\n" +
  "All rows have the same steps, batches and, at equal seeds, order of the data.\n" +
  "The folder gets report.html, comparison.md, .csv and .json, differences.csv and a chart (recall-at-10.svg, by the metric\n" +
  "that the data set is compared by); each training lies below cells/.\n";

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
  const { cells, partial } = planCells({ rows, seeds, set: flags.set, ...gridConfigFile(flags) });
  const dataset = openDataset(flags.data, flags.dataset);
  const split = flags.split ?? (dataset.evaluation ?? usualEvaluation).split;
  requireTargets(dataset.split(split));
  const data = gridDataOf(dataset, ["train", split]); // a missing file fails no cell, but the command
  const measure = { root: dataset.root, split, protocol: protocolFor(dataset, { name: flags.protocol }) };
  const folder = await GridFolder.open(flags.out, command, { measure, data });
  const outcomes: CellOutcome[] = [];
  const write = (): WrittenComparison => writeComparison({ folder, rows, cells, outcomes, title, lead });
  try {
    if (!flags.json) {
      for (const [field, models] of partial) context.stderr.write(`${field}: of ${models.join(", ")} only\n`);
    }
    try {
      await runGrid(
        {
          cells,
          folder,
          dataset,
          measure,
          imageCache: imageCacheOf(flags),
          imageChecks: imageCheckView(context, flags.json),
          signal: context.signal,
          listener: gridView(context, { json: flags.json }),
        },
        (outcome) => outcomes.push(outcome),
      );
    } catch (error) {
      if (context.signal.aborted) {
        const report = outcomes.length > 0 ? ` (${write().files.report})` : "";
        context.stderr.write(
          `${outcomes.length} of ${cells.length} cells are over${report}; the same command continues where this one stopped\n`,
        );
      }
      throw error;
    }
    const written = write();
    if (flags.json) {
      const { comparison, failures, files } = written;
      printJson(context, { ...comparison, failures, files });
    } else context.stdout.write(summaryText(written));
    if (written.failures.length > 0) throw new ExitCode(1);
  } finally {
    await folder.close();
  }
}

function summaryText({ comparison, failures, files }: WrittenComparison): string {
  const { metrics } = comparison;
  const [headline] = headlines(comparison.comparedBy);
  const more = `${metricLabel(headline)} more`;
  const table = textTable([
    ["", "seeds", ...metrics.map(metricLabel), more, "over seeds", "over queries", "than"],
    ...comparison.rows.map(({ name, seeds, mean, difference }) => {
      const of = difference?.metrics[headline];
      return [
        name,
        String(seeds.length),
        ...metrics.map((metric) => (mean[metric] ? formatSpread(mean[metric]) : "–")),
        ...(of
          ? [
              formatPoints(of.mean),
              formatInterval(of.interval),
              formatInterval(of.overQueries),
              difference?.against ?? "",
            ]
          : []),
      ];
    }),
  ]);
  return [
    `\nMean recall in percent ± deviation over seeds; 95 % intervals\n${table}`,
    ...failures.map(({ cell, code, message }) => `failed: ${cell}: ${code}: ${message}\n`),
    failures.length > 0 ? "the same command tries these again\n" : "",
    `tables: ${files.markdown}\nreport: ${files.report}\n`,
  ].join("");
}
