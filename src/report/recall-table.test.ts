import { describe, expect, it } from "vitest";
import type { EvaluationResult } from "../evaluation/result.js";
import { recallNumbers, recallTable } from "./recall-table.js";

function result(model: string, base: number, change: Partial<EvaluationResult> = {}): EvaluationResult {
  const category = (shift: number) => ({
    r1: base + shift,
    r10: base + shift + 10,
    r50: base + shift + 20,
    queries: 600,
    gallery: 1043,
    unanswerable: 0,
  });
  return {
    model,
    dataset: "fashioniq",
    split: "val",
    protocol: "val-split",
    reference: "removed",
    captions: "and",
    perCategory: { dress: category(1), "<shirt>": category(3) },
    mean: { r1: base + 2, r10: base + 12, r50: base + 22, r10r50: base + 17 },
    compared: { of: ["r10", "r50"], value: base + 17 },
    dropped: {
      images: { dropped: 0, of: 2086, broken: 0 },
      triplets: { dropped: 0, of: 1200 },
      galleryEntries: { dropped: 0, of: 2086 },
    },
    seed: 7,
    commit: "0123456789abcdef",
    ...change,
  };
}

/** The table's body as rows of text. */
function rowsOf(markup: string): string[][] {
  const body = markup.split("<tbody>")[1]?.split("</tbody>")[0] ?? "";
  return body
    .split("</tr>")
    .slice(0, -1)
    .map((row) => [...row.matchAll(/<t[hd][^>]*>([^<]*)</g)].map(([, text]) => text ?? ""));
}

describe("recallTable", () => {
  it("lists mean and categories at 1, 10 and 50 for each model, in order", () => {
    expect(rowsOf(recallTable([result("sdfn", 30), result("tirg", 20)]).markup)).toEqual([
      ["sdfn", "32.0", "42.0", "52.0", "31.0", "41.0", "51.0", "33.0", "43.0", "53.0"],
      ["tirg", "22.0", "32.0", "42.0", "21.0", "31.0", "41.0", "23.0", "33.0", "43.0"],
    ]);
  });

  it("makes the best of each column bold, whichever model has it", () => {
    const { markup } = recallTable([result("sdfn", 20), result("tirg", 30)]);
    const best = [...markup.matchAll(/class="[^"]*\bbest\b[^"]*">([^<]*)</g)].map(([, text]) => text);
    expect(best).toEqual(["32.0", "42.0", "52.0", "31.0", "41.0", "51.0", "33.0", "43.0", "53.0"]);
  });

  it("calls nothing the best where there is nothing to compare", () => {
    expect(recallTable([result("sdfn", 30)]).markup).not.toContain('best"');
  });

  it("shows a category that one model was not measured on as a dash", () => {
    const { dress } = result("tirg", 20).perCategory;
    const partial = result("tirg", 20, { perCategory: dress ? { dress } : {} });
    expect(rowsOf(recallTable([result("sdfn", 30), partial]).markup)[1]?.slice(-3)).toEqual(["–", "–", "–"]);
  });

  it("names protocol, sizes, seed, commit and what was dropped", () => {
    const dropped = {
      images: { dropped: 12, of: 2086, broken: 3 },
      triplets: { dropped: 20, of: 1200 },
      galleryEntries: { dropped: 14, of: 2086 },
    };
    const { markup } = recallTable([result("sdfn", 30, { dropped })]);
    for (const text of ["val-split", "600 queries, 1,043 pictures", ">7<", "0123456789ab", "removed from"]) {
      expect(markup).toContain(text);
    }
    expect(markup).toContain(
      "12 of 2,086 images (3 broken), 20 of 1,200 queries, 14 of 2,086 gallery entries dropped",
    );
    expect(recallTable([result("sdfn", 30, { commit: null })]).markup).toContain("unknown");
  });

  it("draws a bar for every model and cutoff, described in words", () => {
    const { markup } = recallTable([result("sdfn", 30), result("tirg", 20)]);
    expect(markup).toContain("sdfn: R@1 32.0, R@10 42.0, R@50 52.0. tirg: R@1 22.0");
    const [wide = ""] = markup.match(/<svg class="chart"[\s\S]*?<\/svg>/) ?? [];
    for (const value of ["32", "42", "52", "22"]) expect(wide).toMatch(new RegExp(`>\\s*${value}\\s*<`));
  });

  it("has a column and a bar for every metric that was measured, and says what they are", () => {
    const own = { r1: 1, r10: 20, r50: 30, map5: 4, subset1: 50 };
    const { markup } = recallTable([
      result("sdfn", 30, {
        perCategory: { all: { ...own, queries: 4, gallery: 9, unanswerable: 0 } },
        mean: { ...own, r10r50: 25 },
      }),
    ]);
    expect(rowsOf(markup)).toEqual([
      ["sdfn", "4.0", "1.0", "20.0", "30.0", "50.0", "4.0", "1.0", "20.0", "30.0", "50.0"],
    ]);
    expect(markup).toContain("sdfn: mAP@5 4.0, R@1 1.0, R@10 20.0, R@50 30.0, Rs@1 50.0");
    expect(markup).toContain("Percent, mean over categories. mAP@K: mean average precision");
    expect(markup.match(/colspan="5"/g)).toHaveLength(2);
  });

  it("escapes names", () => {
    const { markup } = recallTable([result("<b>", 30)]);
    expect(markup).not.toContain("<b>");
    expect(markup).not.toContain("<shirt>");
  });

  it("puts deviations beside the numbers they belong to", () => {
    const { markup } = recallNumbers([result("sdfn", 30)], (row, recall, category) =>
      row === 0 && recall === "r10" && category === "dress" ? 1.26 : undefined,
    );
    expect(markup.match(/±/g)).toHaveLength(1);
    expect(markup).toContain('41.0<small class="soft"> ± 1.3</small>');
  });
});
