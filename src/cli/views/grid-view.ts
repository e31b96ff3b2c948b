/** Shows a grid's progress: one bar for all of it, with the cells under way and the end that is expected, and a line a cell. */
import type { GridCell } from "../../experiments/grid-cells.js";
import type { CellEvent } from "../../experiments/run-cell.js";
import type { GridListener } from "../../experiments/run-grid.js";
import { formatDuration } from "../../report/format.js";
import type { CommandContext } from "../terminal/context.js";
import { type Progress, startProgress } from "../terminal/progress.js";
import { GridClock } from "./grid-clock.js";
import { recallLine } from "./recall-text.js";

export interface GridViewOptions {
  readonly json: boolean;
  /** Cells at a time. */
  readonly jobs: number;
  /** The clock, in milliseconds. */
  readonly now?: () => number;
  /** The time of day in so many seconds. */
  readonly timeIn?: (seconds: number) => string;
}

/** A cell under way. */
interface RunningCell {
  readonly label: string;
  /** "step 50/90, loss 1.500, 1.7 steps/s" */
  text: string;
  totalSteps: number;
  /** Step and time from which the rate is counted. */
  since: { readonly step: number; readonly ms: number };
}

/** Cells that the bar names; of more it says how many. */
const namedCells = 3;

/** @param json a program reads along: nothing but notes is shown. */
export function gridView(
  context: Pick<CommandContext, "stdout" | "stderr">,
  { json, jobs, now = () => performance.now(), timeIn = timeOfDay }: GridViewOptions,
): GridListener {
  const { stdout, stderr } = context;
  let clock = new GridClock([], jobs, now);
  let [total, done, begun] = [0, 0, 0];
  const running = new Map<GridCell, RunningCell>();
  let bar: Progress | undefined;
  const left = (): string => {
    const seconds = clock.secondsLeft();
    if (seconds === undefined) return "";
    return `${formatDuration(Math.round(seconds))} left, until ${timeIn(seconds)}`;
  };
  const status = (): string => {
    const cells = [...running.values()].map(({ label, text }) => `${label}: ${text}`);
    const more = cells.length > namedCells ? [`${cells.length - namedCells} more`] : [];
    const parts = [`${done}/${total} cells`, left(), ...cells.slice(0, namedCells), ...more];
    return parts.filter((part) => part !== "").join(" · ");
  };
  const show = (): void => {
    bar ??= startProgress("grid", total, { stream: stderr, json, now, status, isTransient: true });
    bar.update(done + clock.partsUnderWay());
  };
  const close = (): void => {
    bar?.stop();
    bar = undefined;
  };
  const say = (stream: NodeJS.WritableStream, line: string): void => {
    close();
    stream.write(`${line}\n`);
  };
  const end = (cell: GridCell, text: string): void => {
    const { label } = running.get(cell) ?? { label: cell.name };
    running.delete(cell);
    clock.end(cell);
    done += 1;
    if (json) return;
    const rest = done < total ? left() : "";
    say(stdout, `${label}  ${text}${rest === "" ? "" : `  (${rest})`}`);
    if (running.size > 0) show();
  };
  return {
    close,
    start(cells, waiting) {
      [total, done] = [cells, cells - waiting.length];
      begun = done;
      clock = new GridClock(waiting, jobs, now);
      if (!json && done > 0) stdout.write(`${done} of ${total} cells were finished before\n`);
    },
    begin(cell) {
      begun += 1;
      clock.begin(cell);
      const place = `${String(begun).padStart(String(total).length)}/${total}`;
      const label = `${place} ${cell.row.title}, seed ${cell.seed}`;
      running.set(cell, { label, text: "begins", totalSteps: 1, since: { step: 0, ms: now() } });
    },
    event(cell, event) {
      const shown = running.get(cell);
      if (!shown) return;
      if (event.kind === "note") {
        say(stderr, jobs > 1 ? `${shown.label}: ${event.text}` : event.text);
        return;
      }
      if (event.kind === "start") {
        shown.totalSteps = event.totalSteps;
        shown.since = { step: event.step, ms: now() };
        clock.resume(cell, event.step, event.totalSteps);
        if (event.step > 0 && !json) say(stdout, `${shown.label}  resumed at step ${event.step}`);
      }
      if (event.kind === "step") clock.step(cell, event.step, shown.totalSteps);
      shown.text = textOf(event, shown, now()) ?? shown.text;
      show();
    },
    finished: (cell, recalls) =>
      end(
        cell,
        `${recalls ? recallLine(recalls) : "trained"}${cell.trainsOnly ? "  held out of train" : ""}`,
      ),
    failed: (cell, { code, message }) => end(cell, `FAILED: ${code}: ${message.split("\n")[0]}`),
  };
}

/** What a cell is at; undefined for events that change nothing. */
function textOf(event: CellEvent, { totalSteps, since }: RunningCell, nowMs: number): string | undefined {
  switch (event.kind) {
    case "images":
      return `looks at images ${event.done}/${event.total}`;
    case "features":
      return `${event.stage === "check" ? "checks" : "computes"} feature maps ${event.done}/${event.total}`;
    case "step": {
      const seconds = (nowMs - since.ms) / 1000;
      const rate = seconds > 0 ? `, ${((event.step - since.step) / seconds).toPrecision(2)} steps/s` : "";
      return `step ${event.step}/${totalSteps}, loss ${event.loss.total.toFixed(3)}${rate}`;
    }
    case "evaluate":
      return "evaluates";
    case "evaluation-images":
      return `evaluates, looks at images ${event.done}/${event.total}`;
    default:
      return undefined;
  }
}

/** "17:05"; with the day when it is another one. */
function timeOfDay(secondsFromNow: number): string {
  const [now, then] = [new Date(), new Date(Date.now() + 1000 * secondsFromNow)];
  const time = then.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (now.toDateString() === then.toDateString()) return time;
  return `${then.toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "short" })}, ${time}`;
}
