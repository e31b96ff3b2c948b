/** Bounds on what may be under way at a time, so that a crowd is told to come back instead of filling the memory. */
import { RequestError } from "../errors.js";

export class Slots {
  readonly limit: number;
  readonly #what: string;
  #taken = 0;

  /** @param what "queries" in "too many queries are waiting". */
  constructor(what: string, limit: number) {
    this.#what = what;
    this.limit = limit;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Does work that counts as `count`. @throws RequestError when there is no room; what `work` throws. */
  async during<T>(count: number, work: () => Promise<T>): Promise<T> {
    if (this.#taken + count > this.limit && this.#taken > 0) {
      throw new RequestError(
        "OVERLOADED",
        `the service is busy: ${this.#taken} ${this.#what} are under way, at most ${this.limit} may be; ask again in a second`,
      );
    }
    this.#taken += count;
    try {
      return await work();
    } finally {
      this.#taken -= count;
    }
  }
}

/** The result of `work`, which may run on. @throws RequestError when it takes longer. */
export async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `not done within ${timeoutMs / 1000} s; ask again, a write may have been done`;
    timer = setTimeout(() => reject(new RequestError("TIMEOUT", message)), timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
