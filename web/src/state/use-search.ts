/** The search of the page's address, for components. */
import { useEffect, useState, useSyncExternalStore } from "react";
import { postSearch } from "../api/client.js";
import { Failure } from "../api/failure.js";
import { findUpload } from "../picture/uploads.js";
import { rememberItems } from "../picture/use-reference.js";
import { uploadName } from "./requests.js";
import { type Ask, type SearchProgress, SearchRunner } from "./search-runner.js";
import type { SearchState } from "./search-state.js";

export interface Search extends SearchProgress {
  readonly more: () => void;
  readonly retry: () => void;
}

/** Searches whenever the state is another one. */
export function useSearch(state: SearchState): Search {
  const [runner] = useState(() => new SearchRunner(askService));
  useEffect(() => {
    runner.go(state);
    return () => runner.stop();
  }, [runner, state]);
  const progress = useSyncExternalStore(runner.subscribe, runner.progress);
  return { ...progress, more: runner.more, retry: runner.retry };
}

const askService: Ask = async (request, { step }, signal) => {
  const uploads = new Map<string, Blob>();
  if (step.reference?.kind === "upload") {
    const picture = await findUpload(step.reference.key);
    if (picture === undefined) {
      throw new Failure(
        "upload gone",
        "This search began with somebody’s own picture, and a link cannot hold one. Choose the picture again.",
      );
    }
    uploads.set(uploadName, picture);
  }
  const answer = await postSearch(request, uploads, signal);
  rememberItems(answer.items.map(({ item }) => item));
  return answer;
};
