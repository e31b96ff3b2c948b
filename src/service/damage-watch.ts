/** Looks at the files of the index's store from time to time: flipped bits must not stay unnoticed. */
import type { FastifyBaseLogger } from "fastify";
import type { CatalogueIndex } from "../search/index/catalogue-index.js";
import type { Metrics } from "./metrics.js";

/** Between two looks: each reads all files once. */
const betweenLooksMs = 3_600_000;

export class DamageWatch {
  readonly #index: CatalogueIndex;
  readonly #metrics: Metrics;
  readonly #log: FastifyBaseLogger;
  readonly #stop = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void>;

  /** Looks at once, and again every hour. */
  constructor(index: CatalogueIndex, metrics: Metrics, log: FastifyBaseLogger) {
    this.#index = index;
    this.#metrics = metrics;
    this.#log = log;
    this.#looking = this.#look();
    this.#timer = setInterval(() => {
      this.#looking = this.#looking.then(() => this.#look());
    }, betweenLooksMs).unref();
  }

  /** Ends the look under way. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort();
    await this.#looking;
  }

  async #look(): Promise<void> {
    try {
      const files = await this.#index.store.damagedFiles(this.#stop.signal);
      this.#metrics.damagedFiles(files.length);
      if (files.length === 0) return;
      this.#log.error(
        { files },
        "files of the index are damaged: answers may lack items; run `sdfn index check`, then `sdfn index`",
      );
    } catch (err) {
      if (this.#stop.signal.aborted) return;
      this.#log.error({ err }, "the index's files could not be looked at");
    }
  }
}
