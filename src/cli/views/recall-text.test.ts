import { describe, expect, it } from "vitest";
import { shortcutsAlone, someParaphrases, someShortcuts } from "../../../tests/fixtures/query-scores.js";
import type { EvaluationResult } from "../../evaluation/result.js";
import { comparisonText, recallLine, recallText } from "./recall-text.js";

const result: EvaluationResult = {
  model: "sdfn",
  dataset: "fashioniq",
  split: "val",
  protocol: "original",
  reference: "removed",
  captions: "and",
  perCategory: {
    dress: { r1: 1, r10: 20.04, r50: 100, queries: 2017, gallery: 3817, unanswerable: 0 },
    shirt: { r1: 3, r10: 40, r50: 90, queries: 2038, gallery: 6346, unanswerable: 1 },
  },
  mean: { r1: 2, r10: 30.02, r50: 95, r10r50: 62.51 },
  compared: { of: ["r10", "r50"], value: 62.51 },
  dropped: {
    images: { dropped: 3, of: 10163, broken: 0 },
    triplets: { dropped: 5, of: 4055 },
    galleryEntries: { dropped: 4, of: 10163 },
  },
  seed: 7,
  commit: null,
};

describe("recallText", () => {
  it("puts protocol, sizes and everything dropped beside the numbers", () => {
    expect(recallText(result)).toBe(
      "sdfn on fashioniq val, protocol original, reference removed, captions and\n" +
        "       R@1  R@10   R@50  queries  gallery\n" +
        "dress  1.0  20.0  100.0     2017     3817\n" +
        "shirt  3.0  40.0   90.0     2038     6346\n" +
        "mean   2.0  30.0   95.0     4055    10163\n" +
        "compared by the mean of R@10, R@50: 62.5\n" +
        "1 query cannot be answered: the target is the reference\n" +
        "missing images: dropped 3 of 10163 images, 5 of 4055 triplets, 4 of 10163 gallery entries; seed 7, commit unknown\n",
    );
  });
});

describe("recallText, of a data set with metrics besides recall", () => {
  it("has their columns, what they mean, and what the data set is compared by", () => {
    const own = { r1: 1, r10: 20, r50: 30, map5: 4.04, r5: 10, subset1: 50 };
    const text = recallText({
      ...result,
      perCategory: { all: { ...own, queries: 4, gallery: 9, unanswerable: 0 } },
      mean: { ...own, r10r50: 25 },
      compared: { of: ["map5"], value: 4.04 },
    });
    expect(text).toContain(
      "      mAP@5  R@1   R@5  R@10  R@50  Rs@1  queries  gallery\n" +
        "all     4.0  1.0  10.0  20.0  30.0  50.0        4        9\n",
    );
    expect(text).toContain("mAP@K: mean average precision of all right answers among the first K; ");
    expect(text).toContain("\ncompared by mAP@5: 4.0\n");
    expect(recallLine(own)).toBe("mAP@5   4.0  R@1   1.0  R@5  10.0  R@10  20.0  R@50  30.0  Rs@1  50.0");
  });
});

describe("recallText, of what each half answers and of wordings", () => {
  const text = recallText({ ...result, shortcuts: someShortcuts, paraphrases: someParaphrases });

  it("has shares of queries that one half answers, and recall on the others", () => {
    expect(text).toContain(
      "\nwhat one half of a query answers, percent of queries\n" +
        "                             R@1  R@10  R@50\n" +
        "picture alone               25.0  25.0  25.0\n" +
        "words alone                  0.0  25.0  50.0\n" +
        "either: shortcuts           25.0  50.0  50.0\n" +
        "both, on the other queries   0.0  50.0  50.0\n",
    );
    const alone = recallText({ ...result, shortcuts: shortcutsAlone });
    expect(alone).toContain("both, on the other queries      –      –      –\n");
  });

  it("has recall over wordings, and how many queries are answered in all of them", () => {
    expect(text).toContain(
      "\n2 of 3 queries in 2 wordings each, percent of queries\n" +
        "                           R@1         R@10         R@50\n" +
        "mean over wordings  50.0 ± 0.0  75.0 ± 35.4  100.0 ± 0.0\n" +
        "in every wording          50.0         50.0        100.0\n" +
        "in some                    0.0         50.0          0.0\n" +
        "in none                   50.0          0.0          0.0\n" +
        "ranks of a query in its wordings lie 11.0 apart in the mean\n",
    );
  });

  it("says that the data set has one wording of each query, and nothing where that was not measured", () => {
    expect(recallText({ ...result, paraphrases: null })).toContain(
      "no paraphrases: the data set has one wording of each query\n",
    );
    expect(recallText(result)).not.toMatch(/half|wording|paraphrase/);
  });
});

describe("comparisonText", () => {
  it("has a row for each model", () => {
    expect(comparisonText([result, { ...result, model: "image-only" }])).toBe(
      "            R@1  R@10  R@50\nsdfn        2.0  30.0  95.0\nimage-only  2.0  30.0  95.0\n",
    );
  });
});
