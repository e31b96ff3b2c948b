/** Runs a grid of trainings, one after another; what is finished is not run again. */

import { type CommandContext, untilAborted } from "../cli/terminal/context.js";
import { type GridView, gridView } from "../cli/views/grid-view.js";
import type { RetrievalDataset } from "../data/triplet.js";
import { RunError, SdfnError } from "../errors.js";
import type { SeedEvaluation } from "../evaluation/comparison.js";
import type { DiskCacheOptions } from "../files/disk-cache.js";
import { evaluateRun, trainRun } from "./evaluate-run.js";
import type { GridCell } from "./grid-cells.js";
import type { CellFailure, CellState, GridFolder, GridMeasure } from "./grid-folder.js";

export interface RunGridOptions {
  readonly cells: readonly GridCell[];
  readonly folder: GridFolder;
  readonly dataset: RetrievalDataset;
  readonly measure: GridMeasure;
  readonly imageCache: DiskCacheOptions | undefined;
  readonly context: CommandContext;
  /** A program reads along: no progress is shown. */
  readonly json: boolean;
}

/** What became of a cell. */
export type CellOutcome = { readonly cell: GridCell } & (
  | { readonly evaluation: SeedEvaluation }
  | { readonly failure: CellFailure }
);

/**
 * Trains and evaluates every cell that is not finished, one after another: ONNX Runtime uses every core already. A cell
 * that was stopped goes on from its last checkpoint, bit for bit; one that was trained is evaluated only. One that fails
 * is told of and tried again the next time; the others go on.
 * @param onOutcome is told of each cell as soon as it is over, finished ones first.
 * @throws the signal's reason when it is aborted; UsageError when cells are not what is asked for.
 */
export async function runGrid(
  options: RunGridOptions,
  onOutcome: (outcome: CellOutcome) => void,
): Promise<void> {
  const { cells, folder, context, json } = options;
  const states = folder.states(cells);
  const finished = cells.flatMap((cell) => {
    const state = states.get(cell);
    return state?.kind === "finished" ? [{ cell, evaluation: state.evaluation }] : [];
  });
  for (const outcome of finished) onOutcome(outcome);
  if (!json && finished.length > 0) {
    context.stdout.write(`${finished.length} of ${cells.length} cells were finished before\n`);
  }
  const view = gridView(context, { json, total: cells.length, done: finished.length });
  try {
    for (const cell of cells) {
      const state = states.get(cell) ?? { kind: "open" };
      if (state.kind === "finished") continue;
      context.signal.throwIfAborted();
      view.begin(cell);
      onOutcome(await runCell(cell, state, { ...options, view }));
    }
  } finally {
    view.close();
  }
}

async function runCell(
  cell: GridCell,
  state: CellState,
  { view, ...options }: RunGridOptions & { readonly view: GridView },
): Promise<CellOutcome> {
  const { folder, dataset, measure, imageCache, context, json } = options;
  const run = { dataset, imageCache, context, json };
  try {
    const runDir = state.kind === "open" ? folder.clear(cell) : folder.runOf(cell);
    if (state.kind !== "trained") {
      const isStopped = state.kind === "stopped";
      await trainRun({ ...run, runDir, config: cell.config, isStopped, onEvent: view.onEvent });
    }
    view.evaluating();
    const { split, protocol } = measure;
    const evaluation = await untilAborted(context.signal, () =>
      evaluateRun({ ...run, runDir, split, protocol, name: cell.row.title }),
    );
    folder.writeEvaluation(cell, evaluation);
    view.finished(evaluation.result);
    return { cell, evaluation };
  } catch (error) {
    if (context.signal.aborted) throw context.signal.reason;
    const failure = failureOf(error, state.kind === "stopped" ? folder.runOf(cell) : undefined);
    view.failed(failure);
    return { cell, failure };
  }
}

/**
 * Also of errors that are bugs: one cell's should not cost the night's other cells. Those keep their stack.
 * @param resumedDir the cell's folder when it was gone on with: a checkpoint that is damaged will be so tomorrow.
 */
function failureOf(error: unknown, resumedDir: string | undefined): CellFailure {
  if (error instanceof RunError && resumedDir !== undefined) {
    const message = `${error.message}; or delete ${resumedDir}, and the cell begins anew`;
    return { code: error.code, message };
  }
  if (error instanceof SdfnError) return { code: error.code, message: error.message };
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: "INTERNAL", message };
}
