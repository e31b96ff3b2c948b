/** What all parts of one fetch share: options, connections, tries, counts. */

import type { ArchiveLimits } from "./archive.js";
import { downloadBytes } from "./download.js";
import type { HttpClient } from "./http.js";
import type { Retries } from "./retries.js";

/** How much is done at once and how much is taken. */
export interface FetchLimits extends ArchiveLimits {
  /** Downloads under way at a time. */
  readonly parallel: number;
  /** Of one annotation file or list. */
  readonly maxTextBytes: number;
  /** Of an archive, packed. */
  readonly maxArchiveBytes: number;
  /** One image or list may take so long in all, however steadily it drips. */
  readonly deadlineMs: number;
}

/** Told how far the work is. */
export interface FetchProgress {
  /** A new part of the work begins. */
  start(label: string, total: number, unit: string): void;
  /** `done` of the last total; `note` says what else is worth knowing. */
  update(done: number, note?: string): void;
}

export interface FetchSession {
  /** Folder of the data set. */
  readonly root: string;
  readonly client: HttpClient;
  readonly retries: Retries;
  readonly limits: FetchLimits;
  readonly signal: AbortSignal;
  readonly progress: FetchProgress;
}

/**
 * A whole file in memory, tried again where that may help. `check` throws AddressError when the bytes will not do.
 * @throws AddressError of the last try.
 */
export function fetchBytes(
  { client, retries, limits, signal }: FetchSession,
  address: string,
  { maxBytes, check }: { readonly maxBytes: number; check(bytes: Uint8Array): Promise<void> },
): Promise<Uint8Array> {
  return retries.run(address, signal, async () => {
    const bytes = await downloadBytes(client, address, { maxBytes, deadlineMs: limits.deadlineMs });
    await check(bytes);
    return bytes;
  });
}
