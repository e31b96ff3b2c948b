/** The process of one cell: a grid with several jobs starts this file, tells it what to do, and is told how it goes. */
import { datasetNames, openDataset } from "../data/datasets/open-dataset.js";
import { ModelFileError } from "../errors.js";
import { loadModelFile, readModelFile } from "../models/load-model-file.js";
import { resolveRunConfig } from "../runs/run-config.js";
import type { CellRequest, CellVerdict, FromCell, ToCell } from "./cell-messages.js";
import { type CellEvent, failureOf, runCell } from "./run-cell.js";

/** Between messages on progress, which come with every step. */
const progressEveryMs = 100;

const stop = new AbortController();

// A terminal gives Ctrl-C to all processes; whether cells stop is for the grid to say.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => stop.abort());
// The grid is gone: nobody would know of what is done from here on but the run's folder.
process.on("disconnect", () => stop.abort());
process.on("message", (message: ToCell) => {
  if (message.kind === "stop") stop.abort();
  else void work(message);
});

async function work(request: CellRequest): Promise<void> {
  const verdict = await verdictOf(request);
  // Work that cannot be called back may still be under way.
  if (process.send) process.send(verdict, () => process.exit());
  else process.exit();
}

async function verdictOf({ task, data, surroundings, modelFile }: CellRequest): Promise<CellVerdict> {
  try {
    if (modelFile) {
      if (readModelFile(modelFile.path).sha256 !== modelFile.sha256) {
        throw new ModelFileError(
          `${modelFile.path}: has changed since the grid began; put it back, or begin a new grid`,
        );
      }
      await loadModelFile(modelFile.path);
    }
    const dataset = openDataset(
      data.root,
      datasetNames.find((name) => name === data.name),
    );
    const { fields, ...rest } = task;
    await runCell(
      { ...rest, config: resolveRunConfig({ file: fields }) },
      { ...surroundings, dataset },
      { signal: stop.signal, onEvent: teller() },
    );
    return { kind: "finished" };
  } catch (error) {
    if (stop.signal.aborted) return { kind: "stopped" };
    return { kind: "failed", failure: failureOf(error, task) };
  }
}

/** Tells the grid what happens; of progress not more than it can show. */
function teller(): (event: CellEvent) => void {
  let lastMs = Number.NEGATIVE_INFINITY;
  return (event) => {
    if (["step", "images", "features", "evaluation-images"].includes(event.kind)) {
      const nowMs = performance.now();
      if (nowMs - lastMs < progressEveryMs) return;
      lastMs = nowMs;
    }
    const message: FromCell = { kind: "event", event };
    if (process.connected) process.send?.(message);
  };
}
