/** Bounds how many pictures are decoded at a time, and lets those who wait take turns. */

/** Those who wait: someone for an answer, or a catalogue for its pictures. */
export type DecodeLine = "queries" | "pictures";

export class DecodePool {
  readonly #waiting: Record<DecodeLine, (() => void)[]> = { queries: [], pictures: [] };
  #last: DecodeLine = "pictures";
  #free: number;

  constructor(size: number) {
    this.#free = size;
  }

  /** Runs `decode` when its turn comes: lines in turn, each in its order. @throws what `decode` throws. */
  async during<T>(line: DecodeLine, decode: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((start) => this.#waiting[line].push(start));
    try {
      return await decode();
    } finally {
      const next = this.#next(); // takes over this place
      if (next) next();
      else this.#free += 1;
    }
  }

  #next(): (() => void) | undefined {
    const other = this.#last === "queries" ? "pictures" : "queries";
    this.#last = this.#waiting[other].length > 0 ? other : this.#last;
    return this.#waiting[this.#last].shift();
  }
}

/**
 * Of the process, for whatever is decoded beside a model that answers. The decoder works on libuv's threads, of which there
 * are four unless set otherwise: files are read, hashed and written on the others meanwhile.
 */
export const decodePool = new DecodePool(2);
