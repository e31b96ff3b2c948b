/** Runs a grid of trainings, one after another or several side by side; what is finished is not run again. */
import type { SeedEvaluation } from "../evaluation/comparison.js";
import type { Measured } from "../evaluation/result.js";
import { modelFileOf } from "../models/registry.js";
import { readEvaluation } from "./cell-files.js";
import type { CellRequest } from "./cell-messages.js";
import type { GridCell } from "./grid-cells.js";
import type { CellState, GridFolder } from "./grid-folder.js";
import {
  type CellEvent,
  type CellFailure,
  type CellSurroundings,
  type CellTask,
  failureOf,
  runCell,
} from "./run-cell.js";
import { startCell } from "./start-cell.js";
import { heldOutRecalls } from "./tune-rows.js";

/** Is told how a grid goes. */
export interface GridListener {
  /** @param waiting cells that are to be run; the others were finished before. */
  start(total: number, waiting: readonly GridCell[]): void;
  /** A cell is trained or evaluated from now on. */
  begin(cell: GridCell): void;
  event(cell: GridCell, event: CellEvent): void;
  /** @param recalls on the evaluated split; of a cell that is trained only, on triplets held out of train, if there are any. */
  finished(cell: GridCell, recalls: Measured | undefined): void;
  failed(cell: GridCell, failure: CellFailure): void;
  /** The grid is over, also when it stopped in the middle. */
  close(): void;
}

export interface RunGridOptions {
  readonly cells: readonly GridCell[];
  /** How far each had come. */
  readonly states: ReadonlyMap<GridCell, CellState>;
  readonly folder: GridFolder;
  readonly surroundings: CellSurroundings;
  /** Cells at a time; with more than one, each has a process of its own. */
  readonly jobs: number;
  readonly signal: AbortSignal;
  readonly listener: GridListener;
}

/** What became of a cell. */
export type CellOutcome = { readonly cell: GridCell } & (
  | { readonly evaluation: SeedEvaluation }
  | { readonly trained: true }
  | { readonly failure: CellFailure }
);

function isOver({ trainsOnly = false }: GridCell, state: CellState | undefined): boolean {
  return state?.kind === "finished" || (trainsOnly && state?.kind === "trained");
}

/** The cells that are still to be run. */
export function openCells({ cells, states }: Pick<RunGridOptions, "cells" | "states">): readonly GridCell[] {
  return cells.filter((cell) => !isOver(cell, states.get(cell)));
}

/**
 * Trains and evaluates every cell that is not finished, in their order. A cell that was stopped continues from its last
 * checkpoint, bit for bit; one that was trained is evaluated only. One that fails, or whose process dies, is told of and
 * tried again the next time; the others continue.
 * @param onOutcome is told of each cell as soon as it is over, finished ones first.
 * @throws the signal's reason when it is aborted, once every cell under way is saved.
 */
export async function runGrid(
  options: RunGridOptions,
  onOutcome: (outcome: CellOutcome) => void,
): Promise<void> {
  const { cells, states, signal, listener, jobs } = options;
  const finished = cells.flatMap((cell): readonly CellOutcome[] => {
    const state = states.get(cell);
    if (state?.kind === "finished") return [{ cell, evaluation: state.evaluation }];
    return isOver(cell, state) ? [{ cell, trained: true }] : [];
  });
  for (const outcome of finished) onOutcome(outcome);
  const waiting = [...openCells(options)];
  listener.start(cells.length, [...waiting]);
  const work = async (): Promise<void> => {
    for (let cell = waiting.shift(); cell; cell = waiting.shift()) {
      signal.throwIfAborted();
      listener.begin(cell);
      onOutcome(await outcomeOf(cell, options));
    }
  };
  try {
    const ends = await Promise.allSettled(Array.from({ length: jobs }, work));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  } finally {
    listener.close();
  }
}

/** @throws the signal's reason when it was stopped. */
async function outcomeOf(cell: GridCell, options: RunGridOptions): Promise<CellOutcome> {
  const { folder, states, listener, signal } = options;
  const state = states.get(cell)?.kind ?? "open";
  const start = state === "finished" ? "trained" : state;
  const runDir = start === "open" ? folder.clear(cell) : folder.runOf(cell);
  const { trainsOnly = false } = cell;
  const task = { runDir, title: cell.row.title, config: cell.config, start, trainsOnly } as const;
  const ended = await (options.jobs > 1 ? elsewhere(cell, task, options) : here(cell, task, options));
  if (signal.aborted) throw signal.reason;
  if ("failure" in ended) listener.failed(cell, ended.failure);
  else {
    const recalls = "evaluation" in ended ? ended.evaluation.result.mean : heldOutRecalls(cell, runDir);
    listener.finished(cell, recalls);
  }
  return { cell, ...ended };
}

type Ended =
  | { readonly evaluation: SeedEvaluation }
  | { readonly trained: true }
  | { readonly failure: CellFailure };

/** In this process. */
async function here(
  cell: GridCell,
  task: CellTask,
  { surroundings, signal, listener }: RunGridOptions,
): Promise<Ended> {
  try {
    const onEvent = (event: CellEvent) => listener.event(cell, event);
    const evaluation = await runCell(task, surroundings, { signal, onEvent });
    return evaluation ? { evaluation } : { trained: true };
  } catch (error) {
    return { failure: failureOf(error, task) };
  }
}

/** In a process of its own. */
async function elsewhere(
  cell: GridCell,
  { config, ...task }: CellTask,
  { folder, surroundings: { dataset, ...surroundings }, signal, listener }: RunGridOptions,
): Promise<Ended> {
  const request: CellRequest = {
    kind: "run",
    task: { ...task, fields: config.fields },
    data: { root: dataset.root, name: dataset.name },
    surroundings,
    modelFile: modelFileOf(config.model),
  };
  const verdict = await startCell(request, {
    logFile: folder.logOf(cell),
    signal,
    onEvent: (event) => listener.event(cell, event),
  });
  if (verdict.kind === "failed") return { failure: verdict.failure };
  if (verdict.kind === "stopped") {
    const message = `${task.runDir}: its process was told to stop, and saved the run; the same command continues`;
    return { failure: { code: "RUN_INVALID", message } };
  }
  if (task.trainsOnly) return { trained: true };
  const evaluation = readEvaluation(task.runDir);
  if (evaluation) return { evaluation };
  const message = `${task.runDir}: its evaluation cannot be read back; check the disk, and give the same command again`;
  return { failure: { code: "ENVIRONMENT", message } };
}
