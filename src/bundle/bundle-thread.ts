/** The thread that a bundle's models run on: one batch at a time, and what its end means for that batch. */
import { existsSync } from "node:fs";
import { Worker } from "node:worker_threads";
import "../engine/runtime/session.js"; // its native library must be loaded here first, or it is unloaded with the worker
import type { EncodedQuery } from "../embedding/encoder.js";
import { BundleError, EncoderError } from "../errors.js";
import type { PreparedQuery } from "./bundle-model.js";
import type { BundleReply, BundleWorkerData } from "./bundle-worker.js";

/** The compiled worker: beside this file, or in dist/ for tests, which run the sources. */
function workerFile(): URL {
  const beside = new URL("./bundle-worker.js", import.meta.url);
  return existsSync(beside) ? beside : new URL("../../dist/bundle/bundle-worker.js", import.meta.url);
}

interface Waiting {
  resolve(reply: BundleReply): void;
  reject(error: Error): void;
}

/** The process may end while the thread is idle. */
export class BundleThread {
  readonly #worker: Worker;
  #waiting: Waiting | undefined;
  #ended: Error | undefined;

  private constructor(data: BundleWorkerData) {
    this.#worker = new Worker(workerFile(), { workerData: data });
    this.#worker.on("message", (reply: BundleReply) => this.#settle(reply));
    this.#worker.on("error", (error) => this.#end(`got ${error.message}`));
    this.#worker.on("exit", (code) => this.#end(`exit code ${code}`));
  }

  /** Starts a thread and loads the models. @throws BundleError when they cannot be loaded, EncoderError when it ends. */
  static async start(data: BundleWorkerData): Promise<BundleThread> {
    const thread = new BundleThread(data);
    try {
      await thread.#reply();
    } catch (error) {
      await thread.close();
      throw error;
    }
    return thread;
  }

  /** False when another one must be started. */
  get isRunning(): boolean {
    return this.#ended === undefined;
  }

  /** Answers of one batch; the one before must be done. @throws EncoderError when the thread ends before. */
  async run(queries: readonly PreparedQuery[]): Promise<readonly EncodedQuery[]> {
    const reply = this.#reply();
    this.#worker.postMessage(queries);
    return (await reply).answers ?? [];
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #reply(): Promise<BundleReply> {
    return new Promise((resolve, reject) => {
      if (this.#ended) {
        reject(this.#ended);
        return;
      }
      this.#waiting = { resolve, reject };
      this.#worker.ref();
    });
  }

  #settle(reply: BundleReply): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#worker.unref();
    const { failure } = reply;
    if (failure)
      waiting?.reject(failure.isBundleError ? new BundleError(failure.message) : new Error(failure.message));
    else waiting?.resolve(reply);
  }

  #end(how: string): void {
    this.#ended ??= new EncoderError(
      `encoder: its thread ended before it answered; ${how}; ask again, another one is started`,
    );
    this.#waiting?.reject(this.#ended);
    this.#waiting = undefined;
  }
}
