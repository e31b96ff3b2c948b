/** After writes: contents counted and the store put in order, in the background and not more often than needed. */
import type { CatalogueIndex } from "../search/index/catalogue-index.js";

/** Between a write and the next count; counting may take a twentieth of the time. */
const leastWaitMs = 2000;
const waitFactor = 20;
/** Writes between two times that the store builds what makes searches fast. */
const writesPerOptimising = 1000;

export class Upkeep {
  readonly #index: CatalogueIndex;
  readonly #onFailure: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  /** How long the last count took. */
  #countMs = 0;
  /** Writes since the last count, and since the store was last put in order. */
  #uncounted = 0;
  #unordered = 0;
  #isClosed = false;

  constructor(index: CatalogueIndex, onFailure: (error: unknown) => void) {
    this.#index = index;
    this.#onFailure = onFailure;
  }

  /** A write was done. */
  note(): void {
    this.#uncounted += 1;
    this.#unordered += 1;
    this.#schedule();
  }

  /** Does what is due; there are no more writes. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#running;
    if (this.#unordered > 0) await this.#work({ isComplete: true });
  }

  #schedule(): void {
    if (this.#uncounted === 0 || this.#isClosed) return;
    this.#timer ??= setTimeout(
      () => {
        this.#running = this.#work({ isComplete: this.#unordered >= writesPerOptimising })
          .catch(this.#onFailure) // nothing is lost, and the next write asks for it again
          .finally(() => {
            this.#timer = undefined;
            this.#schedule();
          });
      },
      Math.max(leastWaitMs, waitFactor * this.#countMs),
    );
  }

  async #work({ isComplete }: { readonly isComplete: boolean }): Promise<void> {
    this.#uncounted = 0;
    if (isComplete) {
      this.#unordered = 0;
      await this.#index.store.optimise();
    }
    const startMs = performance.now();
    await this.#index.takeStock();
    this.#countMs = performance.now() - startMs;
  }
}
