/** Evaluation results as text. */

import { describeDrops } from "../../data/presence/missing-images.js";
import { labelNotes, measuredNames, metricLabel } from "../../evaluation/metrics.js";
import type { EvaluationResult, Measured, Recalls } from "../../evaluation/result.js";
import { modelTitle } from "../../models/model-title.js";
import { formatPercent, formatPercentIfAny } from "../../report/format.js";
import { textTable } from "../terminal/text-table.js";
import { paraphrasesText, shortcutsText } from "./query-scores-text.js";

/** Recalls by category and their mean, with protocol, sizes, what was dropped, seed and commit; shortcuts and wordings where measured. */
export function recallText(result: EvaluationResult): string {
  const { perCategory, mean, compared, dropped, shortcuts, paraphrases } = result;
  const categories = Object.entries(perCategory);
  const columns = measuredNames(mean);
  const notes = labelNotes(columns);
  const cellsOf = (measured: Measured) => columns.map((name) => formatPercentIfAny(measured[name] ?? null));
  const total = (value: (category: (typeof categories)[number][1]) => number) =>
    categories.reduce((sum, [, category]) => sum + value(category), 0);
  const table = textTable([
    ["", ...columns.map(metricLabel), "queries", "gallery"],
    ...categories.map(([name, category]) => [
      name,
      ...cellsOf(category),
      String(category.queries),
      String(category.gallery),
    ]),
    [
      "mean",
      ...cellsOf(mean),
      String(total(({ queries }) => queries)),
      String(total(({ gallery }) => gallery)),
    ],
  ]);
  const unanswerable = total((category) => category.unanswerable);
  return [
    `${modelTitle(result.model)} on ${result.dataset} ${result.split}, protocol ${result.protocol}, reference ${result.reference}, captions ${result.captions}\n`,
    table,
    notes === "" ? "" : `${notes}\n`,
    `compared by ${compared.of.length > 1 ? "the mean of " : ""}${compared.of.map(metricLabel).join(", ")}: ${formatPercent(compared.value)}\n`,
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
export function recallLine(measured: Measured): string {
  return measuredNames(measured)
    .map((name) => `${metricLabel(name)} ${formatPercent(measured[name] ?? 0).padStart(5)}`)
    .join("  ");
}

function recallCells({ r1, r10, r50 }: Recalls): readonly string[] {
  return [r1, r10, r50].map((recall) => formatPercent(recall));
}
