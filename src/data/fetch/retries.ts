/** When to try again: back-off with jitter, servers' own wishes, and hosts that do not answer at all. */
import { setTimeout as sleep } from "node:timers/promises";
import { AddressError } from "./address-error.js";
import { hostOf, parseAddress } from "./hosts.js";

/** How failures that may pass are tried again. */
export interface RetryOptions {
  /** Tries in all. */
  readonly attempts: number;
  /** Wait before the second try; doubled for each further one. */
  readonly firstDelayMs: number;
  /** Longest wait, whoever asks for it. */
  readonly maxDelayMs: number;
  /** After so many files in a row that a host did not give, it is not asked any more. */
  readonly failuresInRow: number;
  /** Uniform in [0, 1): spreads tries that failed together. */
  readonly random: () => number;
  /** The clock, in milliseconds. */
  readonly now: () => number;
}

/** The tries of all files, so that what one learns about a host (busy, down) the others know. */
export class Retries {
  readonly #options: RetryOptions;
  readonly #resumeAtMs = new Map<string, number>();
  readonly #failuresInRow = new Map<string, number>();

  constructor(options: RetryOptions) {
    this.#options = options;
  }

  /**
   * The first try that succeeds. `attempt` is called again after an `unavailable` failure only.
   * @throws AddressError of the last try; the signal's reason when it is aborted.
   */
  async run<T>(address: string, signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
    const { attempts, failuresInRow } = this.#options;
    const host = hostOf(parseAddress(address));
    for (let tries = 1; ; tries += 1) {
      await this.#waitForTurn(host, signal);
      const failures = this.#failuresInRow.get(host) ?? 0;
      if (failures >= failuresInRow) {
        const reason = `not tried: ${host} failed ${failures} times in a row`;
        throw new AddressError(address, "unavailable", reason);
      }
      try {
        const result = await attempt();
        this.#failuresInRow.set(host, 0);
        return result;
      } catch (error) {
        if (!(error instanceof AddressError)) throw error;
        if (error.kind !== "unavailable") {
          this.#failuresInRow.set(host, 0); // it answered
          throw error;
        }
        const delayMs = this.#delayMs(error.retryAfterMs, tries);
        if (error.retryAfterMs !== undefined) this.#pause(host, error.retryAfterMs);
        if (tries === attempts || delayMs === undefined) {
          this.#failuresInRow.set(host, (this.#failuresInRow.get(host) ?? 0) + 1);
          throw error;
        }
        await sleep(delayMs, undefined, { signal });
      }
    }
  }

  /** A host that asked for a pause gets it from every file. */
  async #waitForTurn(host: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const waitMs = (this.#resumeAtMs.get(host) ?? 0) - this.#options.now();
      if (waitMs <= 0) return;
      await sleep(waitMs, undefined, { signal });
    }
  }

  #pause(host: string, pauseMs: number): void {
    const untilMs = this.#options.now() + Math.min(pauseMs, this.#options.maxDelayMs);
    this.#resumeAtMs.set(host, Math.max(untilMs, this.#resumeAtMs.get(host) ?? 0));
  }

  /** Undefined when the server wants a longer pause than we make. */
  #delayMs(retryAfterMs: number | undefined, tries: number): number | undefined {
    const { firstDelayMs, maxDelayMs, random } = this.#options;
    if (retryAfterMs !== undefined) {
      return retryAfterMs > maxDelayMs ? undefined : retryAfterMs + firstDelayMs * random();
    }
    return Math.min(maxDelayMs, firstDelayMs * 2 ** (tries - 1)) * (0.5 + random() / 2);
  }
}
