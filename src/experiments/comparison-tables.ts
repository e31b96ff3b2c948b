/** A comparison as Markdown for documents and as CSV for spreadsheets. */
import { stringify } from "csv-stringify/sync";
import { metricNames } from "../data/triplet.js";
import { type Comparison, type ComparisonMetric, comparisonMethod } from "../evaluation/comparison.js";
import { headlines, labelNotes, metricLabel } from "../evaluation/metrics.js";
import type { EvaluationResult, Measured } from "../evaluation/result.js";
import type { Spread } from "../evaluation/statistics.js";
import { costCells, costHead, costMethod, type MeasuredCost, type RowCost } from "../report/cost-section.js";
import { formatInterval, formatPoints, formatSpread } from "../report/format.js";
import { type RobustnessRow, robustnessTable } from "../report/robustness-table.js";
import { type TuningRow, tuningMethod, tuningTable } from "../report/tuning-table.js";

/** What stands beside a comparison in its tables. */
export interface TableContent {
  /** Of every finished cell. */
  readonly results: readonly EvaluationResult[];
  readonly costs: readonly RowCost[];
  readonly robustness: readonly RobustnessRow[];
  readonly tuned: readonly TuningRow[];
}

/** Tables of means, categories, differences and costs, with protocol, galleries, seeds, commit and method. */
export function comparisonMarkdown(
  comparison: Comparison,
  { results, costs, robustness, tuned }: TableContent,
): string {
  const { rows, metrics, comparedBy } = comparison;
  const [first] = results;
  if (!first) return "No cell is finished.\n";
  const categories = Object.keys(first.perCategory);
  const labels = metrics.map(metricLabel);
  const [headline] = headlines(comparedBy);
  const notes = labelNotes(metrics);
  const compared = `mean of ${comparedBy.map(metricLabel).join(", ")}`;
  const differences = rows.flatMap(({ name, difference }) => (difference ? [{ name, difference }] : []));
  const differenceCells = (metric: ComparisonMetric) =>
    differences.map(({ difference }) => {
      const of = difference.metrics[metric];
      return of
        ? `${formatPoints(of.mean)} ${formatInterval(of.interval)} ${formatInterval(of.overQueries)}`
        : "–";
    });
  const [headlineCells, comparedCells] = [differenceCells(headline), differenceCells("compared")];
  return [
    `Recall in percent, mean over categories${notes === "" ? "" : ` (${notes})`}:\n`,
    markdownTable(
      ["row", "seeds", ...labels, compared],
      rows.map(({ name, seeds, mean }) => [
        name,
        String(seeds.length),
        ...[...metrics.map((metric) => mean[metric]), mean.compared].map(spreadText),
      ]),
    ),
    ...categories.flatMap((category) => {
      const { queries = 0, gallery = 0 } = first.perCategory[category] ?? {};
      return [
        `${category}, ${queries} queries, gallery of ${gallery}:\n`,
        markdownTable(
          ["row", ...labels],
          rows.map(({ name, perCategory }) => [
            name,
            ...metrics.map((metric) => spreadText(perCategory[category]?.[metric])),
          ]),
        ),
      ];
    }),
    ...(differences.length === 0
      ? []
      : [
          "Differences in percentage points, [95 % over seeds] [95 % over queries]:\n",
          markdownTable(
            ["row", "less", metricLabel(headline), compared],
            differences.map(({ name, difference: { against } }, i) => [
              name,
              against,
              headlineCells[i] ?? "",
              comparedCells[i] ?? "",
            ]),
          ),
        ]),
    ...(robustness.length === 0 ? [] : robustnessMarkdown(robustness, comparison)),
    ...(tuned.length === 0 ? [] : tuningMarkdown(tuned)),
    "Cost:\n",
    markdownTable(costHead, costs.map(costCells)),
    `${costMethod(costs)}\n`,
    `${provenanceLine(results)}\n\n${comparisonMethod(comparison)}\n`,
  ].join("\n");
}

function spreadText(spread: Spread | undefined): string {
  return spread ? formatSpread(spread) : "–";
}

function tuningMarkdown(tuned: readonly TuningRow[]): readonly string[] {
  const { head, lines } = tuningTable(tuned);
  return [`Tuned rows. ${tuningMethod}\n`, markdownTable(head, lines)];
}

function robustnessMarkdown(robustness: readonly RobustnessRow[], comparison: Comparison): readonly string[] {
  const { head, lines } = robustnessTable(robustness, comparison);
  const [headline] = headlines(comparison.comparedBy);
  return [
    `${metricLabel(headline)} with mismatched training triplets, in brackets points less than in the first column:\n`,
    markdownTable(head, lines),
  ];
}

/** One record a training and category, `mean` among these; rows by their names, which no spreadsheet takes for formulas. */
export function comparisonCsv(
  cells: readonly {
    readonly row: string;
    readonly result: EvaluationResult;
    readonly cost: MeasuredCost | undefined;
  }[],
): string {
  const names = metricNames.filter((name) => cells.some(({ result }) => result.mean[name] !== undefined));
  const records = cells.flatMap(({ row, result, cost }) => {
    const { dataset, split, protocol, reference, captions, seed, commit, perCategory, mean } = result;
    const common = { dataset, split, protocol, reference, captions, commit: commit ?? "" };
    const record = (category: string, measured: Measured) => ({
      row,
      seed,
      category,
      ...Object.fromEntries(names.map((name) => [name, measured[name] ?? ""])),
      queries: perCategory[category]?.queries ?? "",
      gallery: perCategory[category]?.gallery ?? "",
      ...common,
      parameters: cost?.parameters ?? "",
      seconds_per_step: cost?.secondsPerStep ?? "",
      ms_per_query: cost?.millisecondsPerQuery ?? "",
      bytes_per_item: cost?.bytesPerItem ?? "",
    });
    return [
      record("mean", mean),
      ...Object.entries(perCategory).map(([category, of]) => record(category, of)),
    ];
  });
  return stringify(records, { header: true });
}

/**
 * One record a row and metric, in percentage points: how much more than the row `against`, with both intervals.
 * @param nameOf gives the name of a row from its title, as in `comparisonCsv`.
 */
export function differencesCsv({ rows, metrics }: Comparison, nameOf: (title: string) => string): string {
  const columns: readonly ComparisonMetric[] = [...metrics, "compared"];
  const records = rows.flatMap(({ name, difference }) =>
    difference === null
      ? []
      : columns.flatMap((metric) => {
          const of = difference.metrics[metric];
          if (!of) return [];
          const { mean, deviation, interval, overQueries } = of;
          return {
            row: nameOf(name),
            against: nameOf(difference.against),
            metric,
            seeds: difference.seeds.length,
            mean,
            deviation: deviation ?? "",
            low_over_seeds: interval?.low ?? "",
            high_over_seeds: interval?.high ?? "",
            low_over_queries: overQueries.low,
            high_over_queries: overQueries.high,
          };
        }),
  );
  return stringify(records, { header: true });
}

/** "fashioniq val, protocol val-split, ...; seeds 1, 2, 3; commit 0123" */
function provenanceLine(results: readonly EvaluationResult[]): string {
  const distinct = (read: (result: EvaluationResult) => string | number) =>
    [...new Set(results.map(read))].join(", ");
  return (
    `${distinct(({ dataset, split }) => `${dataset} ${split}`)}, protocol ${distinct(({ protocol }) => protocol)}, ` +
    `reference ${distinct(({ reference }) => reference)}, captions ${distinct(({ captions }) => captions)}; ` +
    `seeds ${distinct(({ seed }) => seed)}; commit ${distinct(({ commit }) => commit ?? "unknown")}`
  );
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line), ""].join("\n");
}
