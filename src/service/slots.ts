/** Bounds on what may be under way at a time, so that a crowd is told to come back instead of filling the memory. */
import { RequestError } from "../errors.js";

export interface SlotsOptions {
  /** "queries" in "64 queries are under way". */
  readonly what: string;
  /** In all. */
  readonly limit: number;
  /** Of one address without a key. */
  readonly perAddress: number;
  /** With fewer free than this they are full; 1 unless given. */
  readonly least?: number;
}

/** Takes more slots. @throws RequestError when there is no room for them. */
export type Take = (count: number) => void;

export class Slots {
  readonly #options: SlotsOptions;
  readonly #byAddress = new Map<string, number>();
  #taken = 0;
  #fullSinceMs: number | undefined;

  constructor(options: SlotsOptions) {
    this.#options = options;
  }

  get what(): string {
    return this.#options.what;
  }

  get taken(): number {
    return this.#taken;
  }

  get free(): number {
    return Math.max(0, this.#options.limit - this.#taken);
  }

  /** For how long they have been full without a break. */
  get fullForMs(): number {
    return this.#fullSinceMs === undefined ? 0 : performance.now() - this.#fullSinceMs;
  }

  /**
   * Does work that takes slots as it goes. All of them are free again when it ends.
   * @param address of a caller without a key; the share of others is not bounded.
   */
  async during<T>(address: string | undefined, work: (take: Take) => Promise<T>): Promise<T> {
    const hold = this.hold(address);
    try {
      return await work(hold.take);
    } finally {
      hold.release();
    }
  }

  /** Slots of one request. `release` frees them, once; nothing can be taken afterwards. */
  hold(address: string | undefined): { readonly take: Take; readonly release: () => void } {
    let own = 0;
    let isReleased = false;
    const change = (count: number) => {
      own += count;
      this.#change(address, count);
    };
    return {
      take: (count) => {
        if (isReleased) return;
        this.#requireRoom(address, count, own);
        change(count);
      },
      release: () => {
        isReleased = true;
        change(-own);
      },
    };
  }

  /** A request that is larger than a bound is let through while nothing else is under way. */
  #requireRoom(address: string | undefined, count: number, own: number): void {
    const { what, limit, perAddress } = this.#options;
    const ofAddress = address === undefined ? 0 : (this.#byAddress.get(address) ?? 0);
    if (address !== undefined && ofAddress + count > perAddress && ofAddress > own) {
      throw new RequestError(
        "CONCURRENCY_LIMITED",
        `${ofAddress} ${what} of this address are under way, at most ${perAddress} may be; ask again when some are done`,
      );
    }
    if (this.#taken + count > limit && this.#taken > own) {
      throw new RequestError(
        "OVERLOADED",
        `the service is busy: ${this.#taken} ${what} are under way, at most ${limit} may be; ask again in a second`,
      );
    }
  }

  #change(address: string | undefined, count: number): void {
    this.#taken += count;
    if (this.free >= (this.#options.least ?? 1)) this.#fullSinceMs = undefined;
    else this.#fullSinceMs ??= performance.now();
    if (address === undefined) return;
    const left = (this.#byAddress.get(address) ?? 0) + count;
    if (left === 0) this.#byAddress.delete(address);
    else this.#byAddress.set(address, left);
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
