import { describe, expect, it } from "vitest";
import { shortcutsAlone, someParaphrases, someShortcuts } from "../../tests/fixtures/query-scores.js";
import type { Recalls } from "../evaluation/result.js";
import { paraphraseSection, shortcutSection } from "./query-scores.js";

/** The rows of a table's body as text. */
function rowsOf(markup: string): string[][] {
  const body = markup.split("<tbody>")[1]?.split("</tbody>")[0] ?? "";
  return body
    .split("</tr>")
    .slice(0, -1)
    .map((row) => [...row.matchAll(/<t[hd][^>]*>([^<]*)</g)].map(([, text]) => text ?? ""));
}

const resultOf = (mean: Recalls) => ({ model: "sdfn", mean: { ...mean, r10r50: 0 } });

describe("shortcutSection", () => {
  it("draws and lists what each half answers, for the mean and each category", () => {
    const { markup } = shortcutSection(someShortcuts, resultOf({ r1: 25, r10: 75, r50: 75 })).body;
    expect(rowsOf(markup)).toEqual([
      ["Picture alone", "25.0", "25.0", "25.0", "25.0", "25.0", "25.0"],
      ["Words alone", "0.0", "25.0", "50.0", "0.0", "25.0", "50.0"],
      ["Either: a shortcut", "25.0", "50.0", "50.0", "25.0", "50.0", "50.0"],
      ["Both, on the other queries", "0.0", "50.0", "50.0", "0.0", "50.0", "50.0"],
    ]);
    expect(markup).toContain("&lt;dress&gt;");
    expect(markup).toContain(
      "Both: R@1 25.0, R@10 75.0, R@50 75.0. Picture alone: R@1 25.0, R@10 25.0, R@50 25.0. Words alone: R@1 0.0",
    );
    expect(markup).not.toMatch(/NaN|undefined|<dress>/);
  });

  it("has dashes where no query is left, and no bars for it", () => {
    const { markup } = shortcutSection(shortcutsAlone, resultOf({ r1: 50, r10: 100, r50: 100 })).body;
    expect(rowsOf(markup).at(-1)).toEqual(["Both, on the other queries", "–", "–", "–", "–", "–", "–"]);
    expect(markup).not.toMatch(/NaN|null|Both, on the other queries: R@1/);
  });
});

describe("paraphraseSection", () => {
  it("draws how many queries are answered in every wording, and lists recall by wording", () => {
    const { title, lead, body } = paraphraseSection(someParaphrases);
    expect(title).toBe("The same in other words");
    expect(lead).toContain("2 of 3 queries, each in 2 wordings");
    expect(lead).toContain("11.0 ranks");
    expect(body.markup).toContain("In all: R@1 50.0, R@10 50.0, R@50 100.0");
    expect(rowsOf(body.markup)).toEqual([
      ["Own wording", "50.0", "50.0", "100.0"],
      ["Wording 2", "50.0", "100.0", "100.0"],
      ["Mean ± deviation", "50.0 ± 0.0", "75.0 ± 35.4", "100.0 ± 0.0"],
    ]);
  });

  it("says that there are no other wordings", () => {
    expect(paraphraseSection(null).body.markup).toContain("one wording of each query");
  });
});
