/** What each row of a comparison costs, as a table, and its recall against that. */
import type { MetricName } from "../data/triplet.js";
import { metricLabel, metricTitle } from "../evaluation/metrics.js";
import { formatCount } from "../number-text.js";
import { formatDuration, formatNumber } from "./format.js";
import { type Html, html } from "./html.js";
import { type NamedPoint, scatterChart } from "./scatter-chart.js";
import { countsTable } from "./triplet-samples.js";

export const costSectionCss = `
.cost-charts { display: grid; gap: 1.25rem; margin-bottom: 1.25rem; }
.cost-charts figure { margin: 0; padding: 1.25rem; }
.counts td { white-space: nowrap; }
.cost-charts svg { width: 100%; height: auto; display: block; }
`;

/** What was measured of trained models. */
export interface MeasuredCost {
  /** Numbers that are trained or could be, the backbone's among them. */
  readonly parameters: number;
  /** An optimizer step, without the wait for pictures. */
  readonly secondsPerStep: number | null;
  /** One query, composed and ranked against `gallery` images; its reference's features are at hand. */
  readonly millisecondsPerQuery: number | null;
  readonly gallery: number;
  /** Of a stored embedding, in float32. */
  readonly bytesPerItem: number;
}

/** What one row's trainings cost. */
export interface RowCost {
  readonly name: string;
  /** Steps of each training. */
  readonly steps: readonly number[];
  /** Seconds of each training. */
  readonly seconds: readonly number[];
  /** Medians over the trainings; null for trainings of versions that did not measure. */
  readonly measured: MeasuredCost | null;
}

export const costHead = [
  "Row",
  "Trainings",
  "Steps each",
  "Time each",
  "Parameters",
  "Seconds a step",
  "ms a query",
  "Bytes an item",
] as const;

/** The cells of `costHead`. */
export function costCells({ name, steps, seconds, measured }: RowCost): readonly string[] {
  const range = (values: readonly number[], format: (value: number) => string) =>
    [...new Set([Math.min(...values), Math.max(...values)].map(format))].join(" to ");
  const orDash = (value: number | null | undefined, format: (value: number) => string) =>
    value === null || value === undefined ? "–" : format(value);
  return [
    name,
    formatCount(steps.length),
    range(steps, formatCount),
    range(seconds, formatDuration),
    orDash(measured?.parameters, formatCount),
    orDash(measured?.secondsPerStep, formatNumber),
    orDash(measured?.millisecondsPerQuery, formatNumber),
    orDash(measured?.bytesPerItem, formatCount),
  ];
}

/** How costs were measured, in words that stand beside them. */
export function costMethod(costs: readonly RowCost[]): string {
  const galleries = [...new Set(costs.flatMap(({ measured }) => measured?.gallery ?? []))].map(formatCount);
  return (
    "Medians, on this machine with whatever else ran on it: a step without the wait for pictures; a query alone, composed " +
    `and ranked against ${galleries.join(" or ") || "the"} pictures, its reference's features at hand; an item as its ` +
    "embedding in float32. Parameters include the backbone's."
  );
}

/** What charts draw against cost. */
export interface DrawnMetric {
  readonly metric: MetricName;
  /** Percent by row. */
  readonly of: ReadonlyMap<string, number>;
}

/** The charts, the table, and how costs were measured. */
export function costSection(costs: readonly RowCost[], drawn: DrawnMetric): Html {
  const charts = costAxes.flatMap(({ key, xName }) => {
    const points = pointsOf(costs, drawn.of, key);
    return points.length < 2 ? [] : [costChart(points, { xName, metric: drawn.metric })];
  });
  return html`${charts.length > 0 && html`<div class="cost-charts">${charts.map((chart) => html`<figure class="card">${chart}</figure>`)}</div>`}
${countsTable(costHead, costs.map(costCells))}
<p class="small soft" style="margin-top: 0.75rem">${costMethod(costs)}</p>`;
}

const costAxes = [
  { key: "secondsPerStep", xName: "seconds a training step" },
  { key: "millisecondsPerQuery", xName: "milliseconds a query" },
] as const;

function pointsOf(
  costs: readonly RowCost[],
  percentOf: DrawnMetric["of"],
  key: (typeof costAxes)[number]["key"],
): readonly NamedPoint[] {
  return costs.flatMap(({ name, measured }, i) => {
    const [x, y] = [measured?.[key] ?? 0, percentOf.get(name)];
    return x > 0 && y !== undefined ? [{ name, x, y, isFirst: i === 0 }] : [];
  });
}

function costChart(
  points: readonly NamedPoint[],
  { xName, metric }: { readonly xName: string; readonly metric: MetricName },
): Html {
  const listed = points.map(({ name, x, y }) => `${name}: ${y.toFixed(1)} at ${formatNumber(x)}`).join("; ");
  const description = `${metricTitle(metric)} in percent against ${xName}. ${listed}.`;
  const drawn = (widthPx: number, heightPx: number) =>
    scatterChart(points, { description, xName, yName: metricLabel(metric), widthPx, heightPx });
  return html`<div class="wide-only">${drawn(1000, 260 + 9 * points.length)}</div><div class="narrow-only">${drawn(420, 300 + 14 * points.length)}</div>`;
}
