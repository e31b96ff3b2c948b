import { describe, expect, it } from "vitest";
import { queryAnswers } from "./query-answers.js";
import type { PagePicture, QueryAnswer } from "./types.js";

const picture = (id: string): PagePicture => ({ id, dataUri: `data:image/jpeg;base64,${id}` });

function answer(change: Partial<QueryAnswer> = {}): QueryAnswer {
  return {
    reference: picture("R"),
    text: "is red",
    results: ["A", "B", "C"].map((id, index) => ({
      picture: picture(id),
      score: 0.9 - 0.1 * index,
      isTarget: id === "B",
    })),
    target: { picture: picture("B"), rank: 2 },
    gallerySize: 1043,
    ...change,
  };
}

describe("queryAnswers", () => {
  it("shows the ranking in order with scores", () => {
    const { markup } = queryAnswers([answer()]);
    expect([...markup.matchAll(/alt="([^"]*)"/g)].map(([, alt]) => alt)).toEqual([
      "Reference: R",
      "Rank 1: A",
      "Rank 2, the target: B",
      "Rank 3: C",
    ]);
    expect([...markup.matchAll(/class="score"[^>]*>([^<]*)</g)].map(([, score]) => score)).toEqual([
      "0.900",
      "0.800",
      "0.700",
    ]);
    expect(markup).toContain("of 1,043");
  });

  it("marks the target by a check mark, words and a class, on its own picture only", () => {
    const { markup } = queryAnswers([answer()]);
    const items = markup.split("<li").slice(1);
    expect(items.map((item) => item.includes("is-target"))).toEqual([false, true, false]);
    expect(items.map((item) => item.includes("✓"))).toEqual([false, true, false]);
    expect(items[1]).toContain("2 · target");
    expect(markup).toContain("✓ target at rank 2");
  });

  it("adds the target with its rank when it is not among the pictures shown", () => {
    const results = [{ picture: picture("A"), score: 0.9, isTarget: false }];
    const { markup } = queryAnswers([answer({ results, target: { picture: picture("T"), rank: 57 } })]);
    expect(markup).toContain("The target was ranked 57");
    expect(markup).toContain('alt="The target: T"');
    expect(markup).not.toContain("✓ target at");
  });

  it("says so when the target can never be found", () => {
    const target = { picture: picture("T"), rank: Number.POSITIVE_INFINITY };
    expect(queryAnswers([answer({ results: [], target })]).markup).toContain("not in the gallery");
  });

  it("marks nothing when the right answer is unknown", () => {
    const { reference, text, results } = answer();
    const open = results.map((result) => ({ ...result, isTarget: false }));
    const { markup } = queryAnswers([{ reference, text, results: open }]);
    expect(markup).not.toContain("target");
    expect(markup).not.toContain("✓");
  });

  it("escapes what a user wrote, and shows a missing text as missing", () => {
    expect(queryAnswers([answer({ text: "<img src=x onerror=alert(1)>" })]).markup).toContain(
      "&lt;img src=x onerror=alert(1)&gt;",
    );
    expect(queryAnswers([answer({ text: "  " })]).markup).toContain("(no text)");
    const titled = { ...picture("R"), title: '"><script>' };
    expect(queryAnswers([answer({ reference: titled })]).markup).not.toContain("<script>");
  });
});
