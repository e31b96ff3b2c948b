/** Appends to a run's `metrics.jsonl`. */
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { RunError } from "../errors.js";
import { diskError } from "../files/errno.js";
import type { Metrics } from "../runs/metrics.js";
import { runFiles } from "../runs/run-files.js";

/** A line is with the system when `write` returns, and on the disk when `sync` does. */
export class MetricsLog {
  readonly #file: string;
  readonly #descriptor: number;

  private constructor(file: string, descriptor: number) {
    this.#file = file;
    this.#descriptor = descriptor;
  }

  /**
   * Opens the file, or makes it, and cuts off what follows its first `lengthBytes`.
   * @throws RunError when it is shorter than that.
   */
  static open(runDir: string, lengthBytes: number): MetricsLog {
    const file = join(runDir, runFiles.metrics);
    const size = existsSync(file) ? statSync(file).size : 0;
    if (size < lengthBytes) {
      throw new RunError(
        `${file}: is shorter than when the checkpoint was written; got ${size} bytes, needs ${lengthBytes}; ` +
          "copy the whole run folder again",
      );
    }
    try {
      const log = new MetricsLog(file, openSync(file, "a"));
      ftruncateSync(log.#descriptor, lengthBytes);
      return log;
    } catch (cause) {
      throw diskError(file, cause);
    }
  }

  /** Adds a line. @throws EnvironmentError when the disk is full. */
  write(metrics: Metrics): void {
    const line = Buffer.from(`${JSON.stringify(metrics)}\n`);
    this.#do(() => {
      for (let done = 0; done < line.length; ) done += writeSync(this.#descriptor, line, done);
    });
  }

  /** Makes sure that every line is on the disk. @returns the file's length in bytes. */
  sync(): number {
    return this.#do(() => {
      fsyncSync(this.#descriptor);
      return fstatSync(this.#descriptor).size;
    });
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #do<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw diskError(this.#file, cause);
    }
  }
}
