/** Why an address gave no file, and whether trying again may help. */
import { FetchError } from "../../errors.js";

/**
 * `dead`: the server says that it is not there or not for us (404, 410, 403, ...). `unavailable`: it may work
 * later (busy, down, silent, cut off). `refused`: what is there is not what we take (no image, too large, a private
 * host).
 */
const failureKinds = ["dead", "unavailable", "refused"] as const;
export type FailureKind = (typeof failureKinds)[number];

/** What went wrong with one address. */
export class AddressError extends FetchError {
  readonly kind: FailureKind;
  /** What went wrong, without the address. */
  readonly reason: string;
  /** How long the server asked us to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(
    address: string,
    kind: FailureKind,
    reason: string,
    { retryAfterMs, cause }: { readonly retryAfterMs?: number | undefined; readonly cause?: unknown } = {},
  ) {
    super(`${address}: ${reason}`, { cause });
    this.kind = kind;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Statuses that say "later". */
const laterStatuses = new Set([408, 425, 429]);

/**
 * The failure that an HTTP status other than 2xx means.
 * @param retryAfter the header of that name: seconds or a date.
 * @param nowMs the time, for dates.
 */
export function statusError(
  address: string,
  status: number,
  { retryAfter, nowMs }: { readonly retryAfter?: string | undefined; readonly nowMs: number },
): AddressError {
  if (laterStatuses.has(status) || status >= 500) {
    return new AddressError(address, "unavailable", `HTTP ${status}`, {
      retryAfterMs: retryAfterMs(retryAfter, nowMs),
    });
  }
  return new AddressError(address, status >= 400 ? "dead" : "refused", `HTTP ${status}`);
}

function retryAfterMs(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text.trim())) return Number(text) * 1000;
  const dateMs = Date.parse(text);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}
