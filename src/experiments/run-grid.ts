/** Runs a grid of trainings, one after another; what is finished is not run again. */

import type { RetrievalDataset } from "../data/triplet.js";
import { RunError, SdfnError } from "../errors.js";
import type { SeedEvaluation } from "../evaluation/comparison.js";
import type { EvaluationResult } from "../evaluation/result.js";
import type { EmbedderOptions } from "../evaluation/run-embedder.js";
import type { TrainEvent } from "../training/train.js";
import { untilAborted } from "../until-aborted.js";
import { evaluateRun, trainRun } from "./evaluate-run.js";
import type { GridCell } from "./grid-cells.js";
import type { CellFailure, CellState, GridFolder, GridMeasure } from "./grid-folder.js";

/** Is told how a grid goes. */
export interface GridListener {
  /** @param finished cells of earlier times, which are not run again. */
  start(total: number, finished: number): void;
  /** A cell is trained or evaluated now. */
  begin(cell: GridCell): void;
  onEvent(event: TrainEvent): void;
  /** Training is over, evaluation begins. */
  evaluating(): void;
  finished(result: EvaluationResult): void;
  failed(failure: CellFailure): void;
  /** The grid is over, also when it stopped in the middle. */
  close(): void;
}

export interface RunGridOptions extends EmbedderOptions {
  readonly cells: readonly GridCell[];
  readonly folder: GridFolder;
  readonly dataset: RetrievalDataset;
  readonly measure: GridMeasure;
  readonly signal: AbortSignal;
  readonly listener: GridListener;
}

/** What became of a cell. */
export type CellOutcome = { readonly cell: GridCell } & (
  | { readonly evaluation: SeedEvaluation }
  | { readonly failure: CellFailure }
);

/**
 * Trains and evaluates every cell that is not finished, one after another: ONNX Runtime uses every core already. A cell
 * that was stopped continues from its last checkpoint, bit for bit; one that was trained is evaluated only. One that fails
 * is told of and tried again the next time; the others continue.
 * @param onOutcome is told of each cell as soon as it is over, finished ones first.
 * @throws the signal's reason when it is aborted; UsageError when cells are not what is asked for.
 */
export async function runGrid(
  options: RunGridOptions,
  onOutcome: (outcome: CellOutcome) => void,
): Promise<void> {
  const { cells, folder, signal, listener } = options;
  const states = folder.states(cells);
  const finished = cells.flatMap((cell) => {
    const state = states.get(cell);
    return state?.kind === "finished" ? [{ cell, evaluation: state.evaluation }] : [];
  });
  for (const outcome of finished) onOutcome(outcome);
  listener.start(cells.length, finished.length);
  try {
    for (const cell of cells) {
      const state = states.get(cell) ?? { kind: "open" };
      if (state.kind === "finished") continue;
      signal.throwIfAborted();
      listener.begin(cell);
      onOutcome(await runCell(cell, state, options));
    }
  } finally {
    listener.close();
  }
}

async function runCell(cell: GridCell, state: CellState, options: RunGridOptions): Promise<CellOutcome> {
  const { folder, dataset, measure, imageCache, imageChecks, signal, listener } = options;
  const run = { dataset, imageCache, imageChecks, signal };
  try {
    const runDir = state.kind === "open" ? folder.clear(cell) : folder.runOf(cell);
    if (state.kind !== "trained") {
      const isStopped = state.kind === "stopped";
      await trainRun({ ...run, runDir, config: cell.config, isStopped, onEvent: listener.onEvent });
    }
    listener.evaluating();
    const { split, protocol } = measure;
    const evaluation = await untilAborted(signal, () =>
      evaluateRun({ ...run, runDir, split, protocol, name: cell.row.title }),
    );
    folder.writeEvaluation(cell, evaluation);
    listener.finished(evaluation.result);
    return { cell, evaluation };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const failure = failureOf(error, state.kind === "stopped" ? folder.runOf(cell) : undefined);
    listener.failed(failure);
    return { cell, failure };
  }
}

/**
 * Also of errors that are bugs: one cell's should not cost the night's other cells. Those keep their stack.
 * @param resumedDir the cell's folder when it was resumed: a checkpoint that is damaged will be so tomorrow.
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
