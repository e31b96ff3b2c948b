/** The search of the page's address, for components. */
import { useEffect, useState, useSyncExternalStore } from "react";
import { type Ask, type SearchProgress, SearchRunner } from "./search-runner.js";
import type { SearchState } from "./search-state.js";

export interface Search extends SearchProgress {
  readonly more: () => void;
  readonly retry: () => void;
}

/** Searches whenever the state is another one. */
export function useSearch(state: SearchState, ask: Ask): Search {
  const [runner] = useState(() => new SearchRunner(ask));
  useEffect(() => {
    runner.go(state);
    return () => runner.stop();
  }, [runner, state]);
  const progress = useSyncExternalStore(runner.subscribe, runner.progress);
  return { ...progress, more: runner.more, retry: runner.retry };
}
