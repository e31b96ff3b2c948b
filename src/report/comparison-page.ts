/** The page of a comparison: recalls over seeds, paired differences, what each model's training looked like. */
import { type MetricName, metricNames } from "../data/triplet.js";
import {
  type Comparison,
  type ComparisonMetric,
  type ComparisonRow,
  comparisonMethod,
  type MetricDifference,
} from "../evaluation/comparison.js";
import { headlines, metricLabel, metricTitle, type OtherMetrics } from "../evaluation/metrics.js";
import type { EvaluationResult, Measured } from "../evaluation/result.js";
import { formatCount } from "../number-text.js";
import { costSection, type RowCost } from "./cost-section.js";
import { type Fact, factTable } from "./fact-list.js";
import { countOf, formatDuration, formatInterval, formatPoints, formatSpread } from "./format.js";
import { type Html, html } from "./html.js";
import { type IntervalRow, intervalChart, intervalChartFile } from "./interval-chart.js";
import { page, type Section } from "./page.js";
import { type RecallRow, recallNumbers, recallProvenance } from "./recall-table.js";
import { type RobustnessRow, robustnessTable } from "./robustness-table.js";
import { trainingCurves } from "./training-curves.js";
import { countsTable } from "./triplet-samples.js";
import { type TuningRow, tuningMethod, tuningTable } from "./tuning-table.js";
import type { KeyFigure, ModelTraining } from "./types.js";

export interface ComparisonPage {
  readonly title: string;
  readonly lead: string;
  readonly comparison: Comparison;
  /** Of every finished cell. */
  readonly results: readonly EvaluationResult[];
  readonly costs: readonly RowCost[];
  /** Rows that are models with shares of mismatched training triplets; none in other comparisons. */
  readonly robustness: readonly RobustnessRow[];
  /** How rows came by the value of a field that was tuned; none where nothing was. */
  readonly tuned: readonly TuningRow[];
  /** Do all rows have the same steps and batches? */
  readonly hasEqualBudgets: boolean;
  /** Of the first seed. */
  readonly trainings: readonly ModelTraining[];
  readonly failures: readonly { readonly cell: string; readonly code: string; readonly message: string }[];
  /** Cells that were not run yet. */
  readonly missing: readonly string[];
  /** Fields that all rows have in common, and what each row has of its own. */
  readonly configuration: readonly Fact[];
  readonly rowFields: readonly { readonly name: string; readonly fields: readonly Fact[] }[];
  readonly facts: readonly Fact[];
}

/** The whole document. */
export function comparisonPage(content: ComparisonPage): string {
  const { comparison, results, costs, robustness, trainings, failures, missing, configuration, rowFields } =
    content;
  const headline = headlineOf(comparison);
  const sections: Section[] = [
    {
      id: "recall",
      title: "How often the right picture is found",
      lead: "Each ring is a training with its own seed, the stroke their mean.",
      body: html`<div class="recall">${recallChart(comparison)}${recallNumbers(
        comparison.rows.map(rowOf),
        (row, recall, category) => deviationOf(comparison.rows[row], recall, category),
      )}${recallProvenance(results)}</div>`,
    },
  ];
  if (comparison.rows.some(({ difference }) => difference !== null)) {
    sections.push({
      id: "differences",
      title: "What differs, and how sure that is",
      lead: "Percentage points, paired by seed and by query. An interval that holds 0 leaves open which of the two is better.",
      body: html`<div class="recall">${differenceChart(comparison)}${differenceTable(comparison)}<p class="small soft">${comparisonMethod(comparison)}</p></div>`,
    });
  }
  if (robustness.length > 0) {
    const { head, lines } = robustnessTable(robustness, comparison);
    sections.push({
      id: "robustness",
      title: "What wrong training data cost",
      lead: `${headline.title} in percent when so many percent of the training triplets have the text of another; in brackets, points less than in the first column.`,
      body: countsTable(head, lines),
    });
  }
  if (content.tuned.length > 0) {
    const { head, lines } = tuningTable(content.tuned);
    sections.push({
      id: "tuning",
      title: "What each row was tuned to",
      lead: tuningMethod,
      body: countsTable(head, lines),
    });
  }
  if (failures.length > 0 || missing.length > 0) {
    sections.push({
      id: "failures",
      title: "What is missing",
      lead: "Means and differences above are without these. The same command tries them again.",
      body: countsTable(
        ["Cell", "Reason"],
        [
          ...failures.map(({ cell, code, message }) => [cell, `${code}: ${message.split("\n")[0] ?? ""}`]),
          ...missing.map((cell) => [cell, "not run yet"]),
        ],
      ),
    });
  }
  sections.push(
    {
      id: "training",
      title: "How training went",
      lead: `Of seed ${results[0]?.seed ?? "–"}${trainings.length < comparison.rows.length ? `, the first row and those with the highest ${headline.title}` : ""}.`,
      body: trainingCurves(trainings),
    },
    {
      id: "budget",
      title: "What it cost",
      lead: content.hasEqualBudgets
        ? "Steps, batches and the order of the data are the same for all rows at equal seeds."
        : "Rows differ in steps or batches: the configuration below says how.",
      body: costSection(costs, { metric: headline.metric, of: headlineByRow(content) }),
    },
    {
      id: "configuration",
      title: "Configuration",
      body: html`${factTable(configuration)}
${rowFields.map(({ name, fields }) => fields.length > 0 && html`<h3 style="margin: 1.5rem 0 0.75rem">${name}</h3>${factTable(fields)}`)}`,
    },
  );
  return page(
    {
      eyebrow: "SDFN · composed image retrieval",
      title: content.title,
      lead: content.lead,
      figures: figures(content),
      facts: content.facts,
    },
    sections,
  );
}

/** The headline metric by row. Mismatched triplets change no cost: of rows that differ in their share only, the first is drawn. */
function headlineByRow({ comparison, robustness }: ComparisonPage): ReadonlyMap<string, number> {
  const repeated = robustness
    .filter(({ percent }) => percent !== robustness[0]?.percent)
    .map(({ row }) => row);
  return new Map(
    recallRows(comparison).flatMap(({ name, mean }) => (repeated.includes(name) ? [] : [[name, mean]])),
  );
}

/** The first chart as an SVG file of its own. */
export function comparisonChartFile(comparison: Comparison): string {
  return intervalChartFile(recallRows(comparison), {
    description: describeRecall(comparison),
    hasZero: false,
  });
}

/** The metric that charts show, and its name. */
function headlineOf({ comparedBy }: Comparison): { readonly metric: MetricName; readonly title: string } {
  const [metric] = headlines(comparedBy);
  return { metric, title: metricTitle(metric) };
}

function recallRows(comparison: Comparison): readonly IntervalRow[] {
  const { metric } = headlineOf(comparison);
  return comparison.rows.flatMap(({ name, mean, values }) => {
    const spread = mean[metric];
    return spread
      ? [{ name, mean: spread.mean, values: values[metric] ?? [], text: formatSpread(spread) }]
      : [];
  });
}

function describeRecall(comparison: Comparison): string {
  const { title } = headlineOf(comparison);
  const rows = recallRows(comparison).map(({ name, text }) => `${name}: ${text}`);
  return `Mean ${title} in percent. ${rows.join("; ")}.`;
}

function recallChart(comparison: Comparison): Html {
  return intervalChart(recallRows(comparison), {
    description: describeRecall(comparison),
    note: `${headlineOf(comparison).title} in percent, mean over categories.`,
    hasZero: false,
  });
}

function differenceChart(comparison: Comparison): Html {
  const { metric, title } = headlineOf(comparison);
  const differing = comparison.rows.flatMap(({ name, difference }) => {
    const of = difference?.metrics[metric];
    return difference && of ? [{ name, against: difference.against, of }] : [];
  });
  const baselines = new Set(differing.map(({ against }) => against));
  const lines = differing.map(({ name, of }) => ({
    name,
    mean: of.mean,
    values: [],
    broad: of.overQueries,
    thin: of.interval ?? undefined,
    text: formatPoints(of.mean),
  }));
  return intervalChart(lines, {
    description: `Difference in ${title}. ${lines.map(({ name, text, broad }) => `${name}: ${text}, ${formatInterval(broad)} over queries`).join("; ")}.`,
    note: `${title} less that of ${baselines.size > 1 ? "the row that the table names" : [...baselines].join()}, percentage points. Broad bar: 95 % over queries. Thin line: 95 % over seeds.`,
    hasZero: true,
  });
}

function differenceTable({ rows, metrics }: Comparison): Html {
  const lines = rows.flatMap(({ name, difference }) => (difference ? [{ name, difference }] : []));
  const columns: readonly ComparisonMetric[] = [...metrics, "compared"];
  const nameOf = (metric: ComparisonMetric) =>
    metric === "compared" ? "compared mean" : metricLabel(metric);
  return html`<div class="card scroll-x" tabindex="0" role="region" aria-label="Differences"><table class="data-table">
<caption class="visually-hidden">Differences in percentage points with 95 % intervals over seeds and over queries</caption>
<thead><tr><th scope="col">Row</th><th scope="col">Less</th><th scope="col">Seeds</th>${columns.map((metric) => html`<th scope="col">${nameOf(metric)}</th>`)}</tr></thead>
<tbody>${lines.map(
    ({ name, difference }) =>
      html`<tr><th scope="row">${name}</th><td>${difference.against}</td><td>${difference.seeds.length}</td>${columns.map(
        (metric) => differenceCell(difference.metrics[metric]),
      )}</tr>`,
  )}</tbody></table></div>`;
}

function differenceCell(of: MetricDifference | undefined): Html {
  if (!of) return html`<td>–</td>`;
  return html`<td><b>${formatPoints(of.mean)}</b><small class="interval">seeds ${formatInterval(of.interval)}</small><small class="interval">queries ${formatInterval(of.overQueries)}</small></td>`;
}

function rowOf({ name, mean, perCategory }: ComparisonRow): RecallRow {
  return {
    model: name,
    mean: { ...meansOf(mean), r10r50: (mean.r10.mean + mean.r50.mean) / 2 },
    perCategory: Object.fromEntries(
      Object.entries(perCategory).map(([category, { queries, gallery, ...spreads }]) => [
        category,
        { ...meansOf(spreads), queries, gallery, unanswerable: 0 },
      ]),
    ),
  };
}

type Spreads = Omit<ComparisonRow["mean"], "compared">;

function meansOf(spreads: Spreads): Measured {
  const others: OtherMetrics = Object.fromEntries(
    metricNames.flatMap((name) => (spreads[name] ? [[name, spreads[name].mean]] : [])),
  );
  return { ...others, r1: spreads.r1.mean, r10: spreads.r10.mean, r50: spreads.r50.mean };
}

function deviationOf(
  row: ComparisonRow | undefined,
  metric: MetricName,
  category: string | undefined,
): number | undefined {
  const spreads: Spreads | undefined = category === undefined ? row?.mean : row?.perCategory[category];
  return spreads?.[metric]?.deviation ?? undefined;
}

function figures({ comparison, results, costs, failures }: ComparisonPage): readonly KeyFigure[] {
  const { rows } = comparison;
  const best = recallRows(comparison).toSorted((a, b) => b.mean - a.mean)[0];
  const [first] = results;
  const seconds = costs.flatMap((cost) => cost.seconds).reduce((sum, value) => sum + value, 0);
  return [
    ...(best
      ? [{ label: `Highest ${headlineOf(comparison).title}`, value: `${best.text} %`, note: best.name }]
      : []),
    {
      label: "Trainings",
      value: formatCount(results.length),
      note: failures.length > 0 ? `${failures.length} more failed` : `of ${countOf(rows.length, "row")}`,
    },
    ...(first
      ? [{ label: "Protocol", value: first.protocol, note: `${first.dataset}, ${first.split}` }]
      : []),
    { label: "Time to train", value: formatDuration(seconds), note: "all of them together" },
  ];
}
