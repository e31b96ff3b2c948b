/** Trains and evaluates one cell of a grid in this process. */
import type { RetrievalDataset } from "../data/triplet.js";
import type { SessionOptions } from "../engine/runtime/session.js";
import { RunError, SdfnError } from "../errors.js";
import type { SeedEvaluation } from "../evaluation/comparison.js";
import type { Protocol } from "../evaluation/protocols.js";
import type { EvaluationResult } from "../evaluation/result.js";
import type { DiskCacheOptions } from "../files/disk-cache.js";
import type { RunConfig } from "../runs/run-config.js";
import type { InitialWeights } from "../training/initial-weights.js";
import type { TrainEvent } from "../training/train.js";
import { untilAborted } from "../until-aborted.js";
import { measureCost, writeCost } from "./cell-cost.js";
import { writeEvaluation } from "./cell-files.js";
import { evaluateRun, trainRun } from "./evaluate-run.js";

/** How far a cell came before. */
export type CellStart = "open" | "stopped" | "trained";

/** One training and its evaluation. */
export interface CellTask {
  readonly runDir: string;
  /** As tables show the row. */
  readonly title: string;
  readonly config: RunConfig;
  readonly start: CellStart;
  /** Training is all. */
  readonly trainsOnly: boolean;
}

/** What all cells of a grid have in common. */
export interface CellSurroundings {
  readonly dataset: RetrievalDataset;
  readonly split: EvaluationResult["split"];
  readonly protocol: Protocol;
  /** Files that trainings start from. */
  readonly initial: InitialWeights;
  readonly imageCache: DiskCacheOptions | undefined;
  readonly featureCacheDir: string;
  readonly session: SessionOptions;
}

/** What happens to a cell, in order. */
export type CellEvent =
  | TrainEvent
  /** Training is over, evaluation begins. */
  | { readonly kind: "evaluate" }
  /** Images that evaluation has looked at. */
  | { readonly kind: "evaluation-images"; readonly done: number; readonly total: number };

/** Why a cell came to nothing. */
export interface CellFailure {
  readonly code: string;
  readonly message: string;
}

/**
 * Trains what is not trained yet, evaluates, and leaves the evaluation and the cost in the run's folder. A cell that is
 * trained only has no evaluation.
 * @throws whatever training and evaluation throw; the signal's reason when it was stopped, with the run saved.
 */
export async function runCell(
  { runDir, title, config, start, trainsOnly }: CellTask,
  surroundings: CellSurroundings,
  { signal, onEvent }: { readonly signal: AbortSignal; readonly onEvent: (event: CellEvent) => void },
): Promise<SeedEvaluation | undefined> {
  const { split, protocol, ...rest } = surroundings;
  const run = { ...rest, runDir, signal };
  if (start !== "trained") await trainRun({ ...run, config, onEvent, isStopped: start === "stopped" });
  if (trainsOnly) return undefined;
  onEvent({ kind: "evaluate" });
  const imageChecks = {
    progress: (done: number, total: number) => onEvent({ kind: "evaluation-images", done, total }),
    note: (text: string) => onEvent({ kind: "note", text }),
    end: () => undefined,
  };
  const evaluation = await untilAborted(signal, () =>
    evaluateRun(
      { ...run, split, protocol, imageChecks, name: title },
      async ({ embedder }, categories, { model }) => {
        const parameters = model.parameters().reduce((count, { data }) => count + data.length, 0);
        const { batchSize } = config.training;
        writeCost(runDir, await measureCost({ runDir, parameters, batchSize }, embedder, categories));
      },
    ),
  );
  writeEvaluation(runDir, evaluation);
  return evaluation;
}

/**
 * Also of errors that are bugs: one cell's should not cost the night's other cells. Those keep their stack.
 * @param start how far the cell had come: a checkpoint that is damaged will be so tomorrow.
 */
export function failureOf(
  error: unknown,
  { runDir, start }: Pick<CellTask, "runDir" | "start">,
): CellFailure {
  if (error instanceof RunError && start === "stopped") {
    return { code: error.code, message: `${error.message}; or delete ${runDir}, and the cell begins anew` };
  }
  if (error instanceof SdfnError) return { code: error.code, message: error.message };
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: "INTERNAL", message };
}
