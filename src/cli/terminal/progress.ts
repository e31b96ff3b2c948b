/** A progress bar on a terminal; a plain line now and then anywhere else. */
import { SingleBar } from "cli-progress";
import { formatDuration } from "../../report/format.js";
import { rawStream, visibleLine } from "../../visible-text.js";

export interface ProgressOptions {
  /** Where the bar is drawn. Standard error unless said otherwise, so that results can be piped. */
  readonly stream?: NodeJS.WriteStream;
  /** A program reads along: show nothing. */
  readonly json: boolean;
  /** What is counted, in the plural ("images"). */
  readonly unit?: string;
  /** The clock, in milliseconds. */
  readonly now?: () => number;
  /** What stands behind the bar, in place of count, rate, time left and `extra`. */
  readonly status?: (done: number) => string;
  /** `stop` takes the bar away, where it would otherwise stay in its last state. */
  readonly isTransient?: boolean;
}

export interface Progress {
  /** `done` of the total so far; `extra` is shown at the end of the line ("loss 1.32"). */
  update(done: number, extra?: string): void;
  /** Leaves the last state on the terminal and ends the bar. Harmless when repeated. */
  stop(): void;
}

const plainLineEveryMs = 10_000;
const barCharacters = 24;

/**
 * Starts a bar that shows count, rate and time left. When the stream is not a terminal it writes one plain line every
 * ten seconds instead, and with `json` nothing at all.
 */
export function startProgress(
  label: string,
  total: number,
  {
    stream = process.stderr,
    json,
    unit = "",
    now = () => performance.now(),
    status: ownStatus,
    isTransient = false,
  }: ProgressOptions,
): Progress {
  const startMs = now();
  const shownLabel = visibleLine(label);
  const status = (done: number, extra: string): string => {
    if (ownStatus) return visibleLine(ownStatus(done));
    const seconds = (now() - startMs) / 1000;
    const pace = seconds > 0 && done > 0 ? ` · ${rate(done / seconds)} ${unit}/s`.replace("  ", " ") : "";
    const left =
      pace && done < total ? ` · ${formatDuration(Math.round((seconds / done) * (total - done)))} left` : "";
    return `${done}/${total}${pace}${left}${extra ? ` · ${visibleLine(extra)}` : ""}`;
  };
  if (json) return { update() {}, stop() {} };
  if (!stream.isTTY) {
    let lastMs = startMs;
    return {
      update(done, extra = "") {
        if (now() - lastMs < plainLineEveryMs) return;
        lastMs = now();
        stream.write(`${shownLabel} ${status(done, extra)}\n`);
      },
      stop() {},
    };
  }
  const bar = new SingleBar({
    format: `${shownLabel} {bar} {percentage}% {status}`,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: barCharacters,
    clearOnComplete: isTransient,
    fps: 8,
    linewrap: true,
    stream: rawStream(stream),
  });
  // A line that wraps cannot be drawn over.
  const room = (stream.columns ?? 80) - shownLabel.length - barCharacters - " 100% ".length - 2;
  const fitted = (text: string) => (text.length > room ? `${text.slice(0, Math.max(0, room - 1))}…` : text);
  bar.start(total, 0, { status: fitted(status(0, "")) });
  return {
    update: (done, extra = "") => bar.update(done, { status: fitted(status(done, extra)) }),
    stop: () => bar.stop(),
  };
}

/** Three significant digits. */
function rate(perSecond: number): string {
  return perSecond >= 100 ? perSecond.toFixed(0) : perSecond.toPrecision(3);
}
