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
}

export interface Progress {
  /** `done` of the total so far; `extra` is shown at the end of the line ("loss 1.32"). */
  update(done: number, extra?: string): void;
  /** Leaves the last state on the terminal and ends the bar. Harmless when repeated. */
  stop(): void;
}

const plainLineEveryMs = 10_000;

/**
 * Starts a bar that shows count, rate and time left. When the stream is not a terminal it writes one plain line every
 * ten seconds instead, and with `json` nothing at all.
 */
export function startProgress(
  label: string,
  total: number,
  { stream = process.stderr, json, unit = "", now = () => performance.now() }: ProgressOptions,
): Progress {
  const startMs = now();
  const shownLabel = visibleLine(label);
  const status = (done: number, extra: string): string => {
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
    barsize: 24,
    fps: 8,
    linewrap: true,
    stream: rawStream(stream),
  });
  bar.start(total, 0, { status: status(0, "") });
  return {
    update: (done, extra = "") => bar.update(done, { status: status(done, extra) }),
    stop: () => bar.stop(),
  };
}

/** Three significant digits. */
function rate(perSecond: number): string {
  return perSecond >= 100 ? perSecond.toFixed(0) : perSecond.toPrecision(3);
}
