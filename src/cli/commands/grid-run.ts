/** Runs a grid of a command: how many cells at a time, the view of them, and the comparison at the end. */
import { availableParallelism } from "node:os";
import { WeightsError } from "../../errors.js";
import { headlines, metricLabel } from "../../evaluation/metrics.js";
import { foreseeCells } from "../../experiments/foresee-cells.js";
import type { GridCell } from "../../experiments/grid-cells.js";
import { jobsFor } from "../../experiments/grid-jobs.js";
import type { CellSurroundings } from "../../experiments/run-cell.js";
import { type CellOutcome, openCells, type RunGridOptions, runGrid } from "../../experiments/run-grid.js";
import { heldOutRecalls } from "../../experiments/tune-rows.js";
import {
  type WriteComparisonOptions,
  type WrittenComparison,
  writeComparison,
} from "../../experiments/write-comparison.js";
import { sha256OfFileSync } from "../../files/sha256.js";
import { formatInterval, formatPoints, formatSpread } from "../../report/format.js";
import { availableMemoryBytes } from "../../training/memory-estimate.js";
import { recallOf } from "../../training/watch.js";
import { type CommandContext, printJson } from "../terminal/context.js";
import { textTable } from "../terminal/text-table.js";
import { gridView } from "../views/grid-view.js";
import { trainingView } from "../views/training-view.js";

export interface CommandParts {
  readonly flags: { readonly jobs: number; readonly json: boolean };
  readonly context: CommandContext;
}

/** How many cells run at a time; with more than one, their memory is looked at, and their feature maps are made. */
export async function jobsOf(
  grid: Pick<RunGridOptions, "cells" | "states">,
  surroundings: Omit<CellSurroundings, "session">,
  { flags: { jobs: asked, json }, context }: CommandParts,
): Promise<number> {
  const cells = openCells(grid);
  const wanted = Math.min(asked, Math.max(1, cells.length));
  if (wanted === 1) return 1;
  const view = trainingView(context, { json, epochs: 1, batchSize: 1 });
  let memory: ReadonlyMap<GridCell, number>;
  try {
    memory = await foreseeCells(
      cells,
      { ...surroundings, session: {} },
      { signal: context.signal, onEvent: view.onEvent },
    );
  } finally {
    view.close();
  }
  const { jobs, reasons } = jobsFor({
    asked: wanted,
    cores: availableParallelism(),
    cellBytes: [...memory.values()],
    availableBytes: availableMemoryBytes(),
  });
  for (const reason of reasons) context.stderr.write(`${reason}\n`);
  return jobs;
}

/** Runs the cells, and writes the comparison of those that are finished, also when the grid is stopped. */
export async function runAndWrite(
  grid: Omit<RunGridOptions, "signal" | "listener">,
  page: Pick<WriteComparisonOptions, "rows" | "tuned" | "title" | "lead">,
  { flags: { json }, context }: CommandParts,
): Promise<WrittenComparison> {
  const { signal, stderr, stdout } = context;
  const { cells, folder, jobs } = grid;
  const outcomes: CellOutcome[] = [];
  const write = () => writeComparison({ folder, cells, outcomes, ...page });
  try {
    const listener = gridView(context, { json, jobs });
    await runGrid({ ...grid, signal, listener }, (outcome) => outcomes.push(outcome));
  } catch (error) {
    if (signal.aborted) {
      const report = outcomes.length > 0 ? ` (${write().files.report})` : "";
      stderr.write(
        `${outcomes.length} of ${cells.length} cells are over${report}; the same command continues where this one stopped\n`,
      );
    }
    throw error;
  }
  const written = write();
  if (json) {
    const { comparison, costs, failures, files } = written;
    printJson(context, { ...comparison, costs, failures, files });
  } else stdout.write(summaryText(written));
  return written;
}

/** Trains the cells in which values are tried. @returns the recall of each row on triplets held out of train; none where one failed. */
export async function runTrials(
  grid: Omit<RunGridOptions, "signal" | "listener">,
  { flags: { json }, context }: CommandParts,
): Promise<ReadonlyMap<string, number>> {
  const { cells, folder, jobs } = grid;
  const recalls = new Map<string, number>();
  const listener = gridView(context, { json, jobs });
  await runGrid({ ...grid, signal: context.signal, listener }, (outcome) => {
    const found = "trained" in outcome ? heldOutRecalls(outcome.cell, folder.runOf(outcome.cell)) : undefined;
    if (found) recalls.set(outcome.cell.row.name, recallOf(found));
  });
  if (!json) context.stdout.write(`${cells.length} trainings to choose a value for each row are over\n`);
  return recalls;
}

/** SHA-256 of the files that trainings start from. @throws WeightsError when one cannot be read. */
export function hashesOf(files: {
  readonly backboneWeights?: string | undefined;
  readonly wordVectors?: string | undefined;
}) {
  const hash = (file: string | undefined): string | undefined => {
    if (file === undefined) return undefined;
    try {
      return sha256OfFileSync(file);
    } catch (cause) {
      throw new WeightsError(`${file}: the file cannot be read; got ${(cause as Error).message}`, { cause });
    }
  };
  return { backboneWeights: hash(files.backboneWeights), wordVectors: hash(files.wordVectors) };
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
