/** Shows a grid's progress: a bar for each cell with the time left for all, then a line with its recall. */
import type { GridListener } from "../../experiments/run-grid.js";
import { formatDuration } from "../../report/format.js";
import type { CommandContext } from "../terminal/context.js";
import { type Progress, startProgress } from "../terminal/progress.js";
import { recallLine } from "./recall-text.js";
import { trainingView } from "./training-view.js";

export interface GridViewOptions {
  readonly json: boolean;
  /** The clock, in milliseconds. */
  readonly now?: () => number;
}

/** Part of a cell's time that is training; the rest is evaluation. A guess, for the time left. */
const trainingShare = 0.9;

/** @param json a program reads along: nothing but notes is shown. */
export function gridView(
  context: Pick<CommandContext, "stdout" | "stderr">,
  { json, now = () => performance.now() }: GridViewOptions,
): GridListener {
  const { stdout, stderr } = context;
  const preparation = trainingView(context, { json, epochs: 1, batchSize: 1, now });
  const startMs = now();
  let [total, done, toRun] = [0, 0, 0];
  let [index, totalSteps] = [0, 1];
  /** Parts of cells that were trained before this process began. */
  let doneBefore = 0;
  let label = "";
  let bar: Progress | undefined;
  const close = (): void => {
    preparation.close();
    bar?.stop();
    bar = undefined;
  };
  /** @param part of the cell under way, 0 to 1. */
  const left = (part: number): string => {
    const cells = index - 1 - done + part - doneBefore;
    if (cells <= 0) return "";
    const secondsACell = (now() - startMs) / 1000 / cells;
    return formatDuration(Math.round(secondsACell * (toRun - doneBefore - cells)));
  };
  const end = (text: string): void => {
    close();
    if (json) return;
    const rest = index < total ? `  (${left(1)} left for all)` : "";
    stdout.write(`${label}  ${text}${rest}\n`);
  };
  return {
    close,
    start(cells, finished) {
      [total, done, index, toRun] = [cells, finished, finished, cells - finished];
      if (!json && done > 0) stdout.write(`${done} of ${total} cells were finished before\n`);
    },
    begin({ row, seed }) {
      index += 1;
      label = `${String(index).padStart(String(total).length)}/${total} ${row.title}, seed ${seed}`;
    },
    onEvent(event) {
      switch (event.kind) {
        case "start":
          totalSteps = event.totalSteps;
          doneBefore += (trainingShare * event.step) / totalSteps;
          if (event.step > 0 && !json) stdout.write(`${label}  resumed at step ${event.step}\n`);
          break;
        case "step": {
          bar ??= startProgress(label, totalSteps, { stream: stderr, json, unit: "steps", now });
          const rest = left((trainingShare * event.step) / totalSteps);
          bar.update(event.step, `loss ${event.loss.total.toFixed(3)} · ${rest} for all`);
          break;
        }
        case "epoch":
          break;
        default:
          bar?.stop();
          bar = undefined;
          preparation.onEvent(event);
      }
    },
    evaluating: close,
    finished: ({ mean }) => end(recallLine(mean)),
    failed: ({ code, message }) => end(`FAILED: ${code}: ${message.split("\n")[0]}`),
  };
}
