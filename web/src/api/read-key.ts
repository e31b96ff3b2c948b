/** The key that reading needs where the service was told so; kept until the tab is closed. */
import { useSyncExternalStore } from "react";

const entry = "sdfn-read-key";

export interface ReadKey {
  /** undefined: none was given. */
  readonly key: string | undefined;
  /** The service refused to answer without one, or with the one at hand. */
  readonly isRefused: boolean;
}

let state: ReadKey = { key: stored((storage) => storage.getItem(entry)) ?? undefined, isRefused: false };
const listeners = new Set<() => void>();

export function readKey(): ReadKey {
  return state;
}

export function useReadKey(): ReadKey {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, readKey);
}

export function saveKey(key: string): void {
  stored((storage) => storage.setItem(entry, key));
  change({ key, isRefused: false });
}

/** The service said 401 to a request that was sent with `key`; an answer to an older key says nothing. */
export function refuseKey(key: string | undefined): void {
  if (key === state.key && !state.isRefused) change({ key, isRefused: true });
}

function change(next: ReadKey): void {
  state = next;
  for (const listener of listeners) listener();
}

/** Where the browser stores nothing, the key is good until the page is left. */
function stored<T>(work: (storage: Storage) => T): T | undefined {
  try {
    return work(window.sessionStorage);
  } catch {
    return undefined;
  }
}
