import { describe, expect, it } from "vitest";
import { someParaphrases, someShortcuts } from "../../tests/fixtures/query-scores.js";
import type { EvaluationResult } from "../evaluation/result.js";
import { demoPage } from "./demo-page.js";
import { moduleNamed } from "./module-names.js";
import { searchPage } from "./search-page.js";
import type { QueryAnswer } from "./types.js";

const none = { dropped: 0, of: 10 };

function result(model: string, r10: number): EvaluationResult {
  return {
    model,
    dataset: "fashioniq",
    split: "val",
    protocol: "val-split",
    reference: "removed",
    captions: "and",
    perCategory: {
      dress: { r1: 1, r10, r50: 97, queries: 700, gallery: 1040, unanswerable: 0 },
      shirt: { r1: 1, r10, r50: 97, queries: 701, gallery: 1050, unanswerable: 0 },
    },
    mean: { r1: 1, r10, r50: 97, r10r50: (r10 + 97) / 2 },
    compared: { of: ["r10", "r50"], value: (r10 + 97) / 2 },
    dropped: { images: { ...none, broken: 0 }, triplets: none, galleryEntries: none },
    seed: 1,
    commit: null,
  };
}

const picture = { id: "A", dataUri: "data:image/jpeg;base64,AAAA" };
const answer: QueryAnswer = {
  reference: picture,
  text: "is <red>",
  results: [{ picture, score: 0.5, isTarget: false }],
};
const routes = { modules: [moduleNamed("rcm")], weights: [[[1]]] };

/** Labels and values of the figures at the top. */
function figures(page: string): string[][] {
  return page
    .split('figure-tile">')
    .slice(1)
    .map((tile) => [...tile.matchAll(/<d[td][^>]*>([^<]*)</g)].slice(0, 3).map(([, text]) => text ?? ""));
}

describe("demoPage", () => {
  it("leads with the first model's recall, the best of the others, and the time", () => {
    const results = [result("sdfn", 70.04), result("text-only", 5), result("tirg", 71.5)];
    const page = demoPage({ results, trainings: [], answers: [answer], routes, seconds: 312, facts: [] });
    expect(figures(page)).toEqual([
      ["sdfn, Recall@10", "70.0 %", "1,401 queries, 1,045 pictures a category"],
      ["sdfn, Recall@50", "97.0 %", "protocol val-split"],
      ["tirg, Recall@10", "71.5 %", "the best of the others"],
      ["All of it took", "5 min 12 s", "3 models trained"],
    ]);
  });

  it("has a section for answers, route, recall and training, and no route without routers", () => {
    const parts = { results: [result("sdfn", 70)], trainings: [], answers: [answer], seconds: 1, facts: [] };
    const ids = (page: string) => [...page.matchAll(/<section id="([^"]*)"/g)].map(([, id]) => id);
    expect(ids(demoPage({ ...parts, routes }))).toEqual(["answers", "route", "recall", "training"]);
    expect(ids(demoPage(parts))).toEqual(["answers", "recall", "training"]);
    const [first] = parts.results;
    if (!first) throw new Error("there is a result");
    const measured = { ...first, shortcuts: someShortcuts, paraphrases: someParaphrases };
    expect(ids(demoPage({ ...parts, results: [measured] }))).toEqual([
      "answers",
      "recall",
      "shortcuts",
      "paraphrases",
      "training",
    ]);
    expect(demoPage({ ...parts, routes })).toContain("“is &lt;red&gt;”");
  });
});

describe("searchPage", () => {
  it("is titled by the sentence, and draws the route where there is one", () => {
    const page = searchPage({ answer, routes, facts: [["Model", "sdfn"]] });
    expect(page).toContain("<h1>This one, but: is &lt;red&gt;</h1>");
    expect(page).toContain("RCM · 100 %");
    expect(page).toContain("keep as is");
    expect(searchPage({ answer, facts: [] })).not.toContain('id="route"');
  });

  it("says what was ranked", () => {
    const page = searchPage({ answer: { ...answer, gallerySize: 3120 }, facts: [] });
    expect(page).toContain("The 1 closest of 3,120 pictures");
  });
});

describe("moduleNamed", () => {
  it("writes the paper's modules in words, and others by name alone", () => {
    expect([moduleNamed("jrm"), moduleNamed("own")]).toEqual([
      { name: "JRM", meaning: "joint reasoning" },
      { name: "OWN", meaning: "" },
    ]);
  });
});
