/** How long each address may occupy the model's thread: time that is spent, goes into debt, and comes back evenly. */

/** Addresses remembered at a time; those that asked longest ago are forgotten. */
const knownAddresses = 10_000;
const minuteMs = 60_000;

export class ModelTime {
  readonly #perMinuteMs: number;
  readonly #nowMs: () => number;
  /** Milliseconds of model time that an address had left at a time. */
  readonly #left = new Map<string, { readonly ms: number; readonly atMs: number }>();

  /** @param perMinuteMs of one address, at once or over the minute. */
  constructor(perMinuteMs: number, nowMs: () => number = () => performance.now()) {
    this.#perMinuteMs = perMinuteMs;
    this.#nowMs = nowMs;
  }

  get perMinuteMs(): number {
    return this.#perMinuteMs;
  }

  /** Milliseconds until the address may ask again; 0 for now. */
  waitMs(address: string): number {
    const left = this.#leftOf(address);
    return left > 0 ? 0 : (1 - left) * (minuteMs / this.#perMinuteMs);
  }

  /** The address used the model's thread for so long. */
  spend(address: string, ms: number): void {
    const left = this.#leftOf(address) - ms;
    this.#left.delete(address);
    this.#left.set(address, { ms: left, atMs: this.#nowMs() });
    const [oldest] = this.#left.keys();
    if (this.#left.size > knownAddresses && oldest !== undefined) this.#left.delete(oldest);
  }

  /** At most a minute's worth; less than 0 when more was spent than there was. */
  #leftOf(address: string): number {
    const known = this.#left.get(address);
    if (known === undefined) return this.#perMinuteMs;
    const refilled = (this.#nowMs() - known.atMs) * (this.#perMinuteMs / minuteMs);
    return Math.min(this.#perMinuteMs, known.ms + refilled);
  }
}
