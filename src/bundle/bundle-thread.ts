/** The thread that a bundle's models run on: one request after the other, and what its end means for those under way. */
import { Worker } from "node:worker_threads";
import "../engine/runtime/session.js"; // its native library must be loaded here first, or it is unloaded with the worker
import type { EncodedQuery } from "../embedding/encoder.js";
import { BundleError, EncoderError } from "../errors.js";
import { errorOf, workerFile } from "../worker-thread.js";
import type { PairRows, PreparedQuery } from "./bundle-model.js";
import type { BundleReply, BundleRequest, BundleWorkerData } from "./bundle-worker.js";

interface Waiting {
  resolve(reply: BundleReply): void;
  reject(error: Error): void;
}

/** The process may end while the thread is idle. */
export class BundleThread {
  readonly #worker: Worker;
  /** In the order of their requests. */
  readonly #waiting: Waiting[] = [];
  #ended: Error | undefined;

  private constructor(data: BundleWorkerData) {
    this.#worker = new Worker(workerFile("bundle/bundle-worker.js"), { workerData: data });
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

  /** Answers of one batch. @throws EncoderError when the thread ends before. */
  async run(queries: readonly PreparedQuery[]): Promise<readonly EncodedQuery[]> {
    return (await this.#ask({ kind: "queries", queries })).answers ?? [];
  }

  /** Scores [Q, M] of pairs. @throws EncoderError when the thread ends before. */
  async scorePairs(pairs: PairRows): Promise<Float32Array> {
    return (await this.#ask({ kind: "pairs", pairs })).scores ?? new Float32Array();
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #ask(request: BundleRequest): Promise<BundleReply> {
    const reply = this.#reply();
    this.#worker.postMessage(request);
    return reply;
  }

  #reply(): Promise<BundleReply> {
    return new Promise((resolve, reject) => {
      if (this.#ended) {
        reject(this.#ended);
        return;
      }
      this.#waiting.push({ resolve, reject });
      this.#worker.ref();
    });
  }

  #settle(reply: BundleReply): void {
    const waiting = this.#waiting.shift();
    if (this.#waiting.length === 0) this.#worker.unref();
    const { failure } = reply;
    if (failure) waiting?.reject(errorOf(failure, BundleError));
    else waiting?.resolve(reply);
  }

  #end(how: string): void {
    this.#ended ??= new EncoderError(
      `encoder: its thread ended before it answered; ${how}; ask again, another one is started`,
    );
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
  }
}
