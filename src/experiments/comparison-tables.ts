/** A comparison as Markdown for documents and as CSV for spreadsheets. */
import { stringify } from "csv-stringify/sync";
import {
  type Comparison,
  type ComparisonMetric,
  comparisonMethod,
  comparisonMetrics,
} from "../evaluation/comparison.js";
import type { EvaluationResult, Recalls } from "../evaluation/result.js";
import { costCells, costHead, costMethod, type MeasuredCost, type RowCost } from "../report/cost-section.js";
import { formatInterval, formatPoints, formatSpread } from "../report/format.js";
import { type RobustnessRow, robustnessTable } from "../report/robustness-table.js";
import { type TuningRow, tuningMethod, tuningTable } from "../report/tuning-table.js";

const recalls = ["r1", "r10", "r50"] as const;

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
  const { rows } = comparison;
  const [first] = results;
  if (!first) return "No cell is finished.\n";
  const categories = Object.keys(first.perCategory);
  const compared = `mean of ${first.compared.of.map((field) => field.replace("r", "R@")).join(", ")}`;
  const differences = rows.flatMap(({ name, difference }) => (difference ? [{ name, difference }] : []));
  const differenceCells = (metric: ComparisonMetric) =>
    differences.map(({ difference: { metrics } }) => {
      const { mean, interval, overQueries } = metrics[metric];
      return `${formatPoints(mean)} ${formatInterval(interval)} ${formatInterval(overQueries)}`;
    });
  const [r10, comparedCells] = [differenceCells("r10"), differenceCells("compared")];
  return [
    "Recall in percent, mean over categories:\n",
    markdownTable(
      ["row", "seeds", "R@1", "R@10", "R@50", compared],
      rows.map(({ name, seeds, mean }) => [
        name,
        String(seeds.length),
        ...[mean.r1, mean.r10, mean.r50, mean.compared].map(formatSpread),
      ]),
    ),
    ...categories.flatMap((category) => {
      const { queries = 0, gallery = 0 } = first.perCategory[category] ?? {};
      return [
        `${category}, ${queries} queries, gallery of ${gallery}:\n`,
        markdownTable(
          ["row", "R@1", "R@10", "R@50"],
          rows.map(({ name, perCategory }) => [
            name,
            ...recalls.map((recall) => {
              const spread = perCategory[category]?.[recall];
              return spread ? formatSpread(spread) : "–";
            }),
          ]),
        ),
      ];
    }),
    ...(differences.length === 0
      ? []
      : [
          "Differences in percentage points, [95 % over seeds] [95 % over queries]:\n",
          markdownTable(
            ["row", "less", "R@10", compared],
            differences.map(({ name, difference: { against } }, i) => [
              name,
              against,
              r10[i] ?? "",
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

function tuningMarkdown(tuned: readonly TuningRow[]): readonly string[] {
  const { head, lines } = tuningTable(tuned);
  return [`Tuned rows. ${tuningMethod}\n`, markdownTable(head, lines)];
}

function robustnessMarkdown(robustness: readonly RobustnessRow[], { rows }: Comparison): readonly string[] {
  const { head, lines } = robustnessTable(robustness, rows);
  return [
    "R@10 with mismatched training triplets, in brackets points less than in the first column:\n",
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
  const records = cells.flatMap(({ row, result, cost }) => {
    const { dataset, split, protocol, reference, captions, seed, commit, perCategory, mean } = result;
    const common = { dataset, split, protocol, reference, captions, commit: commit ?? "" };
    const record = (category: string, { r1, r10, r50 }: Recalls) => ({
      row,
      seed,
      category,
      r1,
      r10,
      r50,
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
 * One record a row and recall, in percentage points: how much more than the row `against`, with both intervals.
 * @param nameOf gives the name of a row from its title, as in `comparisonCsv`.
 */
export function differencesCsv({ rows }: Comparison, nameOf: (title: string) => string): string {
  const records = rows.flatMap(({ name, difference }) =>
    difference === null
      ? []
      : comparisonMetrics.map((metric) => {
          const { mean, deviation, interval, overQueries } = difference.metrics[metric];
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
