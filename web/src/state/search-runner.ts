/** Runs the page's searches: one at a time, a newer one ends the older, and answers are kept for the way back. */
import type { SearchRequest, SearchResponse } from "../../../src/service/api.js";
import { type Failure, failureOf, isAbort } from "../api/failure.js";
import { requestOf } from "./requests.js";
import type { SearchState } from "./search-state.js";
import { formatSearch } from "./search-url.js";

/** Items that one request asks for. */
export const pageSize = 24;
/** Answers kept; the one that was given longest ago goes first. */
const keptAnswers = 30;

/** Asks the service; for shoppers' own pictures it needs the state too. */
export type Ask = (
  request: SearchRequest,
  state: SearchState,
  signal: AbortSignal,
) => Promise<SearchResponse>;

/** What is there to be shown. */
export interface SearchProgress {
  /** Of the search at hand; while its first page is under way, of the one before; none when that page failed. */
  readonly answer: SearchResponse | undefined;
  /** The search that `answer` belongs to. */
  readonly answered: SearchState | undefined;
  /** A first page is under way, or a further one. */
  readonly loading: "first" | "more" | undefined;
  /** Why the search at hand, or its next page, has no answer. */
  readonly failure: Failure | undefined;
  /** How often in a row asking failed. */
  readonly failures: number;
}

export class SearchRunner {
  readonly #ask: Ask;
  readonly #listeners = new Set<() => void>();
  readonly #answers = new Map<string, SearchResponse>();
  #state: SearchState | undefined;
  #abort = new AbortController();
  #progress: SearchProgress = {
    answer: undefined,
    answered: undefined,
    loading: "first",
    failure: undefined,
    failures: 0,
  };

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly progress = (): SearchProgress => this.#progress;

  /** Searches anew; a search that was answered before has its answer at once. */
  go(state: SearchState): void {
    this.stop();
    this.#state = state;
    const answer = this.#answers.get(formatSearch(state));
    if (answer === undefined) void this.#load(state, 0);
    else this.#tell({ answer, answered: state, loading: undefined, failure: undefined, failures: 0 });
  }

  /** Asks for the next page; its items are added to the answer's. */
  readonly more = (): void => {
    const { answer, loading } = this.#progress;
    if (this.#state !== undefined && loading === undefined) {
      void this.#load(this.#state, placesOf(answer));
    }
  };

  /** Asks again for what failed. */
  readonly retry = (): void => {
    if (this.#state === undefined) return;
    const { answer, answered } = this.#progress;
    this.stop();
    void this.#load(this.#state, answered === this.#state ? placesOf(answer) : 0);
  };

  /** Gives up what is under way. */
  stop(): void {
    this.#abort.abort();
    this.#abort = new AbortController();
  }

  async #load(state: SearchState, offset: number): Promise<void> {
    const { signal } = this.#abort;
    this.#tell({ ...this.#progress, loading: offset === 0 ? "first" : "more", failure: undefined });
    try {
      const page = await this.#ask(requestOf(state, { offset, limit: pageSize }), state, signal);
      if (signal.aborted) return;
      const answer = offset === 0 ? page : withPage(this.#progress.answer, page);
      this.#keep(state, answer);
      this.#tell({ answer, answered: state, loading: undefined, failure: undefined, failures: 0 });
    } catch (error) {
      if (signal.aborted || isAbort(error)) return;
      const { answer, answered, failures } = this.#progress;
      this.#tell({
        ...(offset === 0 ? { answer: undefined, answered: undefined } : { answer, answered }),
        loading: undefined,
        failure: failureOf(error),
        failures: failures + 1,
      });
    }
  }

  #keep(state: SearchState, answer: SearchResponse): void {
    const search = formatSearch(state);
    this.#answers.delete(search);
    this.#answers.set(search, answer);
    for (const oldest of [...this.#answers.keys()].slice(0, -keptAnswers)) this.#answers.delete(oldest);
  }

  #tell(progress: SearchProgress): void {
    this.#progress = progress;
    for (const listener of this.#listeners) listener();
  }
}

/** An answer with its next page; an item that moved between the pages meanwhile is not shown twice. */
function withPage(answer: SearchResponse | undefined, page: SearchResponse): SearchResponse {
  if (answer === undefined) return page;
  const ids = new Set(answer.items.map(({ item }) => item.id));
  return {
    ...answer,
    items: [...answer.items, ...page.items.filter(({ item }) => !ids.has(item.id))],
    damaged: answer.damaged + page.damaged,
  };
}

/** How far an answer goes: its items, and the places of those that the service left out as damaged. */
export function placesOf(answer: SearchResponse | undefined): number {
  return answer === undefined ? 0 : answer.items.length + answer.damaged;
}
