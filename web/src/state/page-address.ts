/** The page's address as state: reading it, going to another one, and hearing of back and forward. */
import { useMemo, useSyncExternalStore } from "react";
import type { SearchState } from "./search-state.js";
import { formatSearch, parseSearch } from "./search-url.js";

/** Told to listeners beside the browser's own `popstate`, which `pushState` does not cause. */
const moved = "sdfn:moved";

/** The search in the address; follows the browser's back and forward. */
export function useAddress(): SearchState {
  const search = useSyncExternalStore(subscribe, () => window.location.search);
  return useMemo(() => parseSearch(search), [search]);
}

/** Goes to another search, one entry further in the browser's history; to the same one, it goes nowhere. */
export function goTo(state: SearchState): void {
  const search = formatSearch(state);
  if (search === window.location.search) return;
  window.history.pushState(null, "", search === "" ? window.location.pathname : search);
  window.dispatchEvent(new Event(moved));
}

function subscribe(listener: () => void): () => void {
  window.addEventListener("popstate", listener);
  window.addEventListener(moved, listener);
  return () => {
    window.removeEventListener("popstate", listener);
    window.removeEventListener(moved, listener);
  };
}
