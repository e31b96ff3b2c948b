import { describe, expect, it } from "vitest";
import type { SearchRequest, SearchResponse } from "../../../src/service/api.js";
import { Failure } from "../api/failure.js";
import { SearchRunner } from "./search-runner.js";
import { type SearchState, startState } from "./search-state.js";

const words = (text: string): SearchState => ({ ...startState, step: { text } });

/** Items `first` to `first + count - 1` of 60. */
function page(first: number, count: number): SearchResponse {
  const items = Array.from({ length: count }, (_, i) => ({
    rank: first + i,
    score: 0.5,
    item: { id: `item ${first + i}`, category: "dress", attributes: {}, pictureUrl: "", thumbnailUrl: "" },
  }));
  const timesMs = { encode: 0, search: 0, total: 0 };
  return { items, fitting: 60, damaged: 0, plan: "exact", modules: [], queries: [], timesMs };
}

interface Asked {
  readonly request: SearchRequest;
  readonly signal: AbortSignal;
  readonly answer: (response: SearchResponse) => void;
  readonly fail: (error: unknown) => void;
}

function start() {
  const asked: Asked[] = [];
  const runner = new SearchRunner(
    (request, _, signal) =>
      new Promise((answer, fail) => {
        asked.push({ request, signal, answer, fail });
      }),
  );
  const last = () => asked.at(-1) as Asked;
  return { runner, asked, last, progress: runner.progress };
}

/** Everything that waits for a settled promise has run. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

describe("SearchRunner", () => {
  it("ends a search that a newer one supersedes, and never shows its answer", async () => {
    const { runner, asked, progress } = start();
    runner.go(words("red"));
    runner.go(words("blue"));
    expect(asked[0]?.signal.aborted).toBe(true);
    asked[1]?.answer(page(1, 24));
    asked[0]?.answer(page(30, 24));
    await settled();
    expect(progress().answer?.items[0]?.rank).toBe(1);
    expect(progress().answered).toEqual(words("blue"));
  });

  it("asks for the next page behind items that were left out as damaged", async () => {
    const { runner, last, progress } = start();
    runner.go(words("red"));
    last().answer({ ...page(1, 22), damaged: 2 });
    await settled();
    runner.more();
    expect(last().request.offset).toBe(24);
    last().answer({ ...page(25, 23), damaged: 1 });
    await settled();
    expect(progress().answer).toMatchObject({ damaged: 3 });
    runner.more();
    expect(last().request.offset).toBe(48);
  });

  it("adds pages, each item once, and keeps them for the way back", async () => {
    const { runner, asked, last, progress } = start();
    const red = words("red");
    runner.go(red);
    last().answer(page(1, 24));
    await settled();
    runner.more();
    runner.more();
    expect(asked).toHaveLength(2);
    expect(last().request.offset).toBe(24);
    last().answer(page(24, 24));
    await settled();
    expect(progress().answer?.items.map(({ rank }) => rank)).toEqual(
      Array.from({ length: 47 }, (_, i) => i + 1),
    );
    runner.go(words("blue"));
    expect(progress().loading).toBe("first");
    runner.go(words("red"));
    expect(asked).toHaveLength(3);
    expect(progress().answer?.items).toHaveLength(47);
    expect(progress().loading).toBeUndefined();
  });

  it("asks again for the page that failed, and counts failures in a row", async () => {
    const { runner, last, progress } = start();
    runner.go(words("red"));
    last().fail(new Failure("unreachable", "no answer"));
    await settled();
    runner.retry();
    last().fail(new Failure("unreachable", "no answer"));
    await settled();
    expect(progress()).toMatchObject({ answer: undefined, failures: 2, loading: undefined });
    runner.retry();
    last().answer(page(1, 24));
    await settled();
    expect(progress()).toMatchObject({ failures: 0, failure: undefined });
    runner.more();
    last().fail(new Failure("refused", "busy"));
    await settled();
    expect(progress().answer?.items).toHaveLength(24);
    runner.retry();
    expect(last().request.offset).toBe(24);
  });

  it("does not take an abort for a failure", async () => {
    const { runner, last, progress } = start();
    runner.go(words("red"));
    runner.stop();
    last().fail(new DOMException("given up", "AbortError"));
    await settled();
    expect(progress().failure).toBeUndefined();
  });
});
