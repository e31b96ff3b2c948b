import { describe, expect, it } from "vitest";
import { seedEvaluation } from "../../tests/fixtures/seed-evaluation.js";
import { compareEntries } from "../evaluation/comparison.js";
import { type ComparisonPage, comparisonPage } from "./comparison-page.js";

const ofSeeds = (...ranks: readonly (readonly number[])[]) =>
  ranks.map((dress, i) => seedEvaluation({ dress }, { seed: i + 1 }));
const first = ofSeeds([1, 20, 60, 3], [30, 20, 60, 3]);
const second = ofSeeds([1, 2, 60, 3], [1, 2, 3, 60]);
function content(change: Partial<ComparisonPage> = {}): ComparisonPage {
  return {
    title: "Models <compared>",
    lead: "A lead.",
    comparison: compareEntries([
      { name: "tirg", evaluations: first },
      { name: "+ <MSR>", evaluations: second },
    ]),
    results: [...first, ...second].map(({ result }) => result),
    costs: [{ name: "tirg", steps: [12, 12], seconds: [5, 9], measured: null }],
    robustness: [],
    tuned: [],
    hasEqualBudgets: true,
    trainings: [],
    failures: [],
    missing: [],
    configuration: [["epochs", "2"]],
    rowFields: [{ name: "tirg", fields: [["heads", "4"]] }],
    facts: [],
    ...change,
  };
}

describe("comparisonPage", () => {
  it("says what rows were tuned to, where something was", () => {
    const tried = [
      { value: 0.01, recall: 12.5 },
      { value: 0.001, recall: null },
    ];
    const page = comparisonPage(
      content({ tuned: [{ name: "tirg", field: "learningRate", tried, chosen: 0.01 }] }),
    );
    expect(page).toContain("What each row was tuned to");
    expect(page).toMatch(/12\.5.*failed.*0\.01/s);
    expect(comparisonPage(content())).not.toContain("tuned");
  });

  it("has means with deviations, protocol, gallery, seeds and commit", () => {
    const page = comparisonPage(content());
    // R@10 of tirg: 50 and 25 percent.
    expect(page).toContain('37.5<small class="soft"> ± 17.7</small>');
    expect(page).toContain("4 queries, 900 pictures");
    expect(page).toContain("<dt>Seed</dt><dd>1 / 2</dd>");
    expect(page).toContain("<dt>Protocol</dt><dd>val-split</dd>");
    expect(page).toContain("<dt>Commit</dt><dd>0123456789ab</dd>");
  });

  it("has differences to the first with both intervals, and the method", () => {
    const page = comparisonPage(content());
    // R@10 of the second: 75 and 75: differences 25 and 50.
    expect(page).toContain("<b>+37.5</b>");
    expect(page).toMatch(/seeds \[−121\.3, \+196\.3\].*queries \[/);
    expect(page).toContain("percentile bootstrap");
  });

  it("has a heading over every cell of the differences, which say what they are less", () => {
    const [, table = ""] = comparisonPage(content()).split('aria-label="Differences"');
    const [head = "", body = ""] = table.split("</thead>");
    expect(head.match(/<th /g)).toHaveLength(3 + 4);
    const [row = ""] = body.split("</tr>");
    expect(row.match(/<t[hd]/g)).toHaveLength(3 + 4);
    expect(row).toContain('<th scope="row">+ &lt;MSR&gt;</th><td>tirg</td>');
  });

  it("says what a training cost and what rows have of their own", () => {
    const page = comparisonPage(content());
    expect(page).toContain("<td>12</td><td>5 s to 9 s</td>");
    expect(page).toContain("<dt>heads</dt><dd>4</dd>");
  });

  it("lists cells that failed or are missing, and has no such section otherwise", () => {
    expect(comparisonPage(content())).not.toContain('id="failures"');
    const page = comparisonPage(
      content({
        failures: [{ cell: "tirg-seed3", code: "TRAINING_DIVERGED", message: "step 3: NaN\nmore" }],
        missing: ["sum-seed1"],
      }),
    );
    expect(page).toContain('<th scope="row">tirg-seed3</th><td>TRAINING_DIVERGED: step 3: NaN</td>');
    expect(page).toContain('<th scope="row">sum-seed1</th><td>not run yet</td>');
  });

  it("is self-contained and escaped", () => {
    const page = comparisonPage(content());
    expect(page).not.toMatch(/<script|(src|href)="(?!data:|#)/);
    expect(page).toContain("Models &lt;compared&gt;");
    expect(page).not.toMatch(/<MSR>|<compared>/);
  });

  it("has a page before anything is finished", () => {
    const page = comparisonPage(
      content({ comparison: compareEntries([]), results: [], costs: [], missing: ["a-seed1"] }),
    );
    expect(page).not.toContain('id="differences"');
    expect(page).toContain("not run yet");
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });

  it("draws recall against cost where it was measured, once for rows that differ in wrong triplets only", () => {
    const measured = {
      parameters: 1234,
      secondsPerStep: 0.25,
      millisecondsPerQuery: 1.5,
      gallery: 900,
      bytesPerItem: 4096,
    };
    const costs = ["tirg", "+ <MSR>"].map((name) => ({ name, steps: [12], seconds: [5], measured }));
    const page = comparisonPage(content({ costs }));
    expect(page).toContain("<td>1,234</td><td>0.25</td><td>1.5</td><td>4,096</td>");
    expect(page).toContain(
      'aria-label="Recall@10 in percent against seconds a training step. tirg: 37.5 at 0.25; + &lt;MSR&gt;: 75.0 at 0.25."',
    );
    expect(page).toContain("against milliseconds a query");
    const robustness = [
      { row: "tirg", model: "tirg", percent: 0 },
      { row: "+ <MSR>", model: "tirg", percent: 20 },
    ];
    const robust = comparisonPage(content({ costs, robustness }));
    expect(robust).toContain("<td>37.5 ± 17.7</td><td>75.0 ± 0.0 (+37.5)</td>");
    expect(robust).not.toContain("in percent against");
    expect(page).not.toMatch(/NaN|undefined/);
  });

  it("goes by the metric that the data set is compared by, in every chart and table of one metric", () => {
    const facts = { alsoMeasured: ["r5", "subset1"], compared: ["r5", "subset1"] } as const;
    const evaluations = [
      [4, 60],
      [2, 3],
    ].map((ranks) => [seedEvaluation({ all: ranks.map((rank) => ({ rank, subsetRank: 1 })) }, facts)]);
    const names = ["tirg", "wrong"];
    const comparison = compareEntries(names.map((name, i) => ({ name, evaluations: evaluations[i] ?? [] })));
    const results = evaluations.flat().map(({ result }) => result);
    const measured = {
      parameters: 1,
      secondsPerStep: 0.25,
      millisecondsPerQuery: null,
      gallery: 900,
      bytesPerItem: 4,
    };
    const costs = names.map((name) => ({ name, steps: [12], seconds: [5], measured }));
    const page = comparisonPage(content({ comparison, results, costs, trainings: [] }));
    expect(page).toContain(
      "Recall@5 in percent against seconds a training step. tirg: 50.0 at 0.25; wrong: 100.0",
    );
    expect(page).toContain("the first row and those with the highest Recall@5.");
    expect(page).toContain("Highest Recall@5");
    const robustness = names.map((row, i) => ({ row, model: "tirg", percent: 20 * i }));
    const robust = comparisonPage(content({ comparison, results, costs, robustness }));
    expect(robust).toContain("Recall@5 in percent when so many percent");
    expect(robust).toContain("<td>50.0</td><td>100.0 (+50.0)</td>");
    for (const text of [page, robust]) expect(text).not.toContain("Recall@10");
  });
});
