/** Requests that come one by one, done in batches, one batch at a time. */

export interface BatchLimits {
  /** Items of a batch. */
  readonly maxBatch: number;
  /** How long an idle queue waits for more items after the first. */
  readonly windowMs: number;
}

/** Lines that take turns; a batch is of one line. */
const lines = ["queries", "pictures"] as const;
export type Line = (typeof lines)[number];

interface Waiting<Item, Result> {
  readonly item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/** `run` gives one result for each item of its batch, in order; when it fails, so do these items and no others. */
export class BatchQueue<Item, Result> {
  readonly #run: (batch: readonly Item[]) => Promise<readonly Result[]>;
  readonly #limits: BatchLimits;
  readonly #waiting: Record<Line, Waiting<Item, Result>[]> = { queries: [], pictures: [] };
  #last: Line = "pictures";
  #isRunning = false;
  #timer: NodeJS.Timeout | undefined;
  #whenEmpty: (() => void) | undefined;
  #isClosed = false;

  constructor(run: (batch: readonly Item[]) => Promise<readonly Result[]>, limits: BatchLimits) {
    if (!Number.isInteger(limits.maxBatch) || limits.maxBatch < 1 || !(limits.windowMs >= 0)) {
      throw new RangeError(
        `BatchQueue: maxBatch must be a whole number from 1 and windowMs at least 0; got ${JSON.stringify(limits)}`,
      );
    }
    this.#run = run;
    this.#limits = limits;
  }

  /** Results of the items, which may be done in several batches and beside others'. @throws what `run` throws. */
  async addAll(line: Line, items: readonly Item[]): Promise<Result[]> {
    if (this.#isClosed) throw new Error("BatchQueue: closed");
    const results = items.map(
      (item) => new Promise<Result>((resolve, reject) => this.#waiting[line].push({ item, resolve, reject })),
    );
    this.#schedule();
    return Promise.all(results);
  }

  /** Takes no more; resolves when all that were added are done. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#count === 0 && !this.#isRunning) return;
    await new Promise<void>((resolve) => {
      const before = this.#whenEmpty;
      this.#whenEmpty = () => {
        before?.();
        resolve();
      };
      this.#schedule();
    });
  }

  get #count(): number {
    return lines.reduce((sum, line) => sum + this.#waiting[line].length, 0);
  }

  /** Starts a batch now when it is full or nothing more can come, else soon. */
  #schedule(): void {
    if (this.#isRunning || this.#count === 0) return;
    if (this.#isClosed || lines.some((line) => this.#waiting[line].length >= this.#limits.maxBatch)) {
      void this.#start();
    } else this.#timer ??= setTimeout(() => void this.#start(), this.#limits.windowMs);
  }

  async #start(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#isRunning) return;
    this.#isRunning = true;
    while (this.#count > 0) {
      const batch = this.#waiting[this.#nextLine()].splice(0, this.#limits.maxBatch);
      try {
        const results = await this.#run(batch.map(({ item }) => item));
        if (results.length !== batch.length) {
          throw new Error(`BatchQueue: ${batch.length} items have ${results.length} results`);
        }
        for (const [i, { resolve }] of batch.entries()) resolve(results[i] as Result);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#isRunning = false;
    this.#whenEmpty?.();
  }

  #nextLine(): Line {
    const other = this.#last === "queries" ? "pictures" : "queries";
    this.#last = this.#waiting[other].length > 0 ? other : this.#last;
    return this.#last;
  }
}
