/** Evaluation results as text. */

import { describeDrops } from "../../data/presence/missing-images.js";
import type { EvaluationResult, Recalls } from "../../evaluation/result.js";
import { modelTitle } from "../../models/model-title.js";
import { formatPercent } from "../../report/format.js";
import { textTable } from "../terminal/text-table.js";
import { paraphrasesText, shortcutsText } from "./query-scores-text.js";

/** Recalls by category and their mean, with protocol, sizes, what was dropped, seed and commit; shortcuts and wordings where measured. */
export function recallText(result: EvaluationResult): string {
  const { perCategory, mean, compared, dropped, shortcuts, paraphrases } = result;
  const categories = Object.entries(perCategory);
  const total = (value: (category: (typeof categories)[number][1]) => number) =>
    categories.reduce((sum, [, category]) => sum + value(category), 0);
  const table = textTable([
    ["", "R@1", "R@10", "R@50", "queries", "gallery"],
    ...categories.map(([name, category]) => [
      name,
      ...recallCells(category),
      String(category.queries),
      String(category.gallery),
    ]),
    [
      "mean",
      ...recallCells(mean),
      String(total(({ queries }) => queries)),
      String(total(({ gallery }) => gallery)),
    ],
  ]);
  const unanswerable = total((category) => category.unanswerable);
  return [
    `${modelTitle(result.model)} on ${result.dataset} ${result.split}, protocol ${result.protocol}, reference ${result.reference}, captions ${result.captions}\n`,
    table,
    `compared by the mean of ${compared.of.map((field) => field.replace("r", "R@")).join(", ")}: ${formatPercent(compared.value)}\n`,
    unanswerable > 0
      ? `${unanswerable} ${unanswerable === 1 ? "query" : "queries"} cannot be answered: the target is the reference\n`
      : "",
    `${describeDrops(dropped)}; seed ${result.seed}, commit ${result.commit ?? "unknown"}\n`,
    shortcuts ? shortcutsText(shortcuts) : "",
    paraphrases === undefined ? "" : paraphrasesText(paraphrases),
  ].join("");
}

/** Mean recalls of several models, one a row. */
export function comparisonText(results: readonly EvaluationResult[]): string {
  return textTable([
    ["", "R@1", "R@10", "R@50"],
    ...results.map(({ model, mean }) => [model, ...recallCells(mean)]),
  ]);
}

/** One line of fixed width: "R@1  10.0  R@10  41.5  R@50  80.0". */
export function recallLine(recalls: Recalls): string {
  const [r1 = "", r10 = "", r50 = ""] = recallCells(recalls).map((cell) => cell.padStart(5));
  return `R@1 ${r1}  R@10 ${r10}  R@50 ${r50}`;
}

function recallCells({ r1, r10, r50 }: Recalls): readonly string[] {
  return [r1, r10, r50].map((recall) => formatPercent(recall));
}
