/** Writes a grid's comparison as JSON, CSV, Markdown, a chart and a page. */

import {
  type Comparison,
  type ComparisonEntry,
  type ComparisonRow,
  compareEntries,
  comparisonMethod,
} from "../evaluation/comparison.js";
import { headlines, metricTitle } from "../evaluation/metrics.js";
import { writeWholeSync } from "../files/whole.js";
import { comparisonChartFile, comparisonPage } from "../report/comparison-page.js";
import { costMethod, type RowCost } from "../report/cost-section.js";
import type { Fact } from "../report/fact-list.js";
import { machineFacts } from "../report/machine-facts.js";
import type { TuningRow } from "../report/tuning-table.js";
import { projectCommit } from "../runs/project-version.js";
import { readMetrics } from "../runs/run-files.js";
import { medianCost, readCost } from "./cell-cost.js";
import { comparisonCsv, comparisonMarkdown, differencesCsv } from "./comparison-tables.js";
import type { GridCell, GridRow } from "./grid-cells.js";
import type { GridFolder } from "./grid-folder.js";
import type { CellOutcome } from "./run-grid.js";

export interface WriteComparisonOptions {
  readonly folder: GridFolder;
  readonly rows: readonly GridRow[];
  readonly cells: readonly GridCell[];
  readonly outcomes: readonly CellOutcome[];
  /** How rows came by the value of a field that was tuned; none where nothing was. */
  readonly tuned: readonly TuningRow[];
  readonly title: string;
  readonly lead: string;
}

/** A comparison and where it lies. */
export interface WrittenComparison {
  readonly comparison: Comparison;
  readonly costs: readonly RowCost[];
  readonly failures: readonly { readonly cell: string; readonly code: string; readonly message: string }[];
  readonly files: Readonly<Record<"report" | "markdown" | "csv" | "differences" | "json" | "chart", string>>;
}

/** Compares the finished cells and writes everything, each file whole or not at all. */
export function writeComparison(options: WriteComparisonOptions): WrittenComparison {
  const { folder, rows, cells, outcomes, tuned, title, lead } = options;
  const finished = cells.flatMap((cell) => {
    const outcome = outcomes.find((o) => o.cell === cell);
    return outcome && "evaluation" in outcome ? [{ cell, evaluation: outcome.evaluation }] : [];
  });
  const failures = outcomes.flatMap((outcome) =>
    "failure" in outcome ? [{ cell: outcome.cell.name, ...outcome.failure }] : [],
  );
  const missing = cells.filter((cell) => !outcomes.some((o) => o.cell === cell)).map(({ name }) => name);
  const titleOf = (name: string) => rows.find((row) => row.name === name)?.title;
  const entries = rows.map((row): ComparisonEntry => {
    const against = row.against === undefined ? undefined : titleOf(row.against);
    const own = finished.filter(({ cell }) => cell.row === row);
    return { name: row.title, against, evaluations: own.map(({ evaluation }) => evaluation) };
  });
  const comparison = compareEntries(entries);
  const results = finished.map(({ evaluation }) => evaluation.result);
  const files = {
    report: folder.file("report.html"),
    markdown: folder.file("comparison.md"),
    csv: folder.file("comparison.csv"),
    differences: folder.file("differences.csv"),
    json: folder.file("comparison.json"),
    chart: folder.file(chartName(comparison)),
  };
  const costs = rows.flatMap((row) => costOf(row, { folder, finished }));
  const robustness = rows.flatMap(({ title, mismatched }) =>
    mismatched ? [{ row: title, model: mismatched.title, percent: mismatched.percent }] : [],
  );
  const summary = {
    ...comparison,
    method: comparisonMethod(comparison),
    costs,
    costMethod: costMethod(costs),
    robustness,
    tuned,
    results,
    failures,
    missing,
  };
  writeWholeSync(files.json, `${JSON.stringify(summary, undefined, 2)}\n`);
  writeWholeSync(
    files.csv,
    comparisonCsv(
      finished.map(({ cell, evaluation }) => ({
        row: cell.row.name,
        result: evaluation.result,
        cost: readCost(folder.runOf(cell)),
      })),
    ),
  );
  writeWholeSync(
    files.differences,
    differencesCsv(comparison, (title) => rows.find((row) => row.title === title)?.name ?? title),
  );
  writeWholeSync(files.markdown, comparisonMarkdown(comparison, { results, costs, robustness, tuned }));
  if (results.length > 0) writeWholeSync(files.chart, comparisonChartFile(comparison));
  const firstSeed = finished[0]?.cell.seed;
  const shown = rowsWithCurves(comparison);
  writeWholeSync(
    files.report,
    comparisonPage({
      title,
      lead,
      comparison,
      results,
      failures,
      missing,
      costs,
      robustness,
      tuned,
      hasEqualBudgets: hasEqualBudgets(cells),
      trainings: finished
        .filter(({ cell }) => cell.seed === firstSeed && shown.has(cell.row.title))
        .map(({ cell }) => ({ model: cell.row.title, metrics: readMetrics(folder.runOf(cell)) })),
      ...configurations(cells),
      facts: [["Commit", projectCommit()], ...machineFacts()],
    }),
  );
  return { comparison, costs, failures, files };
}

/** "recall-at-10.svg"; the chart shows the metric that its name says. */
function chartName({ comparedBy }: Comparison): string {
  const [headline] = headlines(comparedBy);
  return `${metricTitle(headline).toLowerCase().replace(" ", "-").replace("@", "-at-")}.svg`;
}

function costOf(
  row: GridRow,
  {
    folder,
    finished,
  }: { readonly folder: GridFolder; readonly finished: readonly { readonly cell: GridCell }[] },
): readonly RowCost[] {
  const own = finished.flatMap(({ cell }) => (cell.row === row ? [cell] : []));
  if (own.length === 0) return [];
  const manifests = own.map((cell) => folder.manifestOf(cell));
  return [
    {
      name: row.title,
      steps: manifests.map(({ step }) => step),
      seconds: manifests.map(({ seconds }) => seconds),
      measured: medianCost(own.flatMap((cell) => readCost(folder.runOf(cell)) ?? [])),
    },
  ];
}

/** Curves that can be told apart. */
const curveCount = 8;

/** The first row and the best of the others, by the headline metric: more curves than these say nothing. */
function rowsWithCurves({ rows: [first, ...others], comparedBy }: Comparison): ReadonlySet<string> {
  const [headline] = headlines(comparedBy);
  const percentOf = ({ mean }: ComparisonRow) => mean[headline]?.mean ?? 0;
  const best = others.toSorted((a, b) => percentOf(b) - percentOf(a)).slice(0, curveCount - 1);
  return new Set((first ? [first, ...best] : best).map(({ name }) => name));
}

/** Do all rows have the same number of epochs and triplets a batch, and so of steps? */
function hasEqualBudgets(cells: readonly GridCell[]): boolean {
  const budgets = cells.map(({ config: { training } }) => `${training.epochs} ${training.batchSize}`);
  return new Set(budgets).size <= 1;
}

/** Fields with one value everywhere, and for each row those that others have otherwise or not at all. */
function configurations(cells: readonly GridCell[]): {
  readonly configuration: readonly Fact[];
  readonly rowFields: readonly { readonly name: string; readonly fields: readonly Fact[] }[];
} {
  const rows = [...new Map(cells.map((cell) => [cell.row, cell])).values()].map(({ row, config }) => ({
    name: row.title,
    fields: Object.entries(config.fields)
      .filter(([name]) => name !== "seed")
      .map(([name, value]): Fact => [name, JSON.stringify(value)]),
  }));
  const isCommon = ([name, value]: Fact) =>
    rows.every(({ fields }) => fields.some((field) => field[0] === name && field[1] === value));
  return {
    configuration: rows[0]?.fields.filter(isCommon) ?? [],
    rowFields: rows.map(({ name, fields }) => ({ name, fields: fields.filter((field) => !isCommon(field)) })),
  };
}
