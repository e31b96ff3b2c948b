/** Values with their spread, one row each: every seed a dot, the mean a mark, intervals as bars around it. */
import type { Interval } from "../evaluation/statistics.js";
import { type Html, html, trustedHtml } from "./html.js";
import { type IntervalLayout, intervalLayout } from "./interval-layout.js";
import { coloursCss } from "./theme.js";

export const intervalChartCss = `
.intervals { margin: 0; padding: 1.25rem; display: grid; gap: 0.9rem; }
.intervals svg { width: 100%; height: auto; display: block; }
.intervals text { font-family: inherit; }
.data-table .interval { display: block; color: var(--ink-soft); }
`;

export interface IntervalRow {
  readonly name: string;
  readonly mean: number;
  /** One value a seed. */
  readonly values: readonly number[];
  /** A broad bar behind the mean. */
  readonly broad?: Interval | undefined;
  /** A thin line behind the mean. */
  readonly thin?: Interval | undefined;
  /** What stands at the row's end: "27.5 ± 0.8". */
  readonly text: string;
}

export interface IntervalChartOptions {
  /** Alternative text: what the chart says, in a sentence. */
  readonly description: string;
  /** Below the chart: what marks and bars are. */
  readonly note: Html | string;
  /** Is there a line at 0, for differences? */
  readonly hasZero: boolean;
}

/** The chart as a figure, drawn once for wide and once for narrow columns. */
export function intervalChart(
  rows: readonly IntervalRow[],
  { description, note, hasZero }: IntervalChartOptions,
): Html {
  if (rows.length === 0) return html``;
  const drawn = (isNarrow: boolean) => drawing(rows, { description, hasZero, isNarrow });
  return html`<figure class="card intervals">
<div class="wide-only">${drawn(false)}</div>
<div class="narrow-only">${drawn(true)}</div>
<figcaption class="small soft">${note}</figcaption>
</figure>`;
}

/** The wide drawing as an SVG file of its own, with the colours it needs. */
export function intervalChartFile(
  rows: readonly IntervalRow[],
  options: Pick<IntervalChartOptions, "description" | "hasZero">,
): string {
  const css = `${coloursCss}svg { background: var(--page); font-family: ui-sans-serif, system-ui, sans-serif; }`;
  return `${drawing(rows, { ...options, isNarrow: false, css }).markup}\n`;
}

interface DrawingOptions extends Pick<IntervalChartOptions, "description" | "hasZero"> {
  readonly isNarrow: boolean;
  readonly css?: string;
}

function drawing(
  rows: readonly IntervalRow[],
  { description, hasZero, isNarrow, css }: DrawingOptions,
): Html {
  const extremes = rows.flatMap(({ mean, values, broad, thin }) => [
    mean,
    ...values,
    ...[broad, thin].flatMap((interval) => (interval ? [interval.low, interval.high] : [])),
  ]);
  const layout = intervalLayout(hasZero ? [...extremes, 0] : extremes, {
    rowCount: rows.length,
    nameLength: Math.max(...rows.map(({ name }) => name.length)),
    isNarrow,
  });
  return html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${layout.widthPx} ${layout.heightPx}" role="img" aria-label="${description}">
${css !== undefined && html`<style>${trustedHtml(css)}</style>`}${axis(layout, hasZero)}
${rows.map((row, index) => rowMarks(row, { layout, y: layout.y(index) }))}
</svg>`;
}

function axis(layout: IntervalLayout, hasZero: boolean): Html {
  const bottom = layout.heightPx - 24;
  return html`${layout.ticks.map((tick) => {
    const x = layout.x(tick).toFixed(1);
    const isZero = hasZero && tick === 0;
    return html`<line x1="${x}" x2="${x}" y1="0" y2="${bottom}" stroke="${isZero ? "var(--ink)" : "var(--line)"}" stroke-width="${isZero ? 1.5 : 1}"/><text x="${x}" y="${bottom + 17}" font-size="12" fill="var(--ink-soft)" text-anchor="middle">${String(tick)}</text>`;
  })}`;
}

function rowMarks(
  { name, mean, values, broad, thin, text }: IntervalRow,
  { layout, y }: { readonly layout: IntervalLayout; readonly y: number },
): Html {
  const { isNarrow, leftPx, rightPx, widthPx } = layout;
  const nameY = isNarrow ? y - 14 : y + 4.5;
  const bar = ({ low, high }: Interval, heightPx: number, opacity: number) =>
    html`<rect x="${layout.x(low).toFixed(1)}" y="${y - heightPx / 2}" width="${Math.max(1, layout.x(high) - layout.x(low)).toFixed(1)}" height="${heightPx}" rx="${heightPx / 2}" fill="var(--series-2)" fill-opacity="${opacity}"/>`;
  return html`<g><text x="${isNarrow ? leftPx : leftPx - 16}" y="${nameY}" font-size="13" font-weight="600" fill="var(--ink)" text-anchor="${isNarrow ? "start" : "end"}">${name}</text><text x="${isNarrow ? rightPx : widthPx - 4}" y="${nameY}" font-size="12.5" fill="var(--ink)" text-anchor="end">${text}</text>
${broad && bar(broad, 12, 0.35)}${thin && bar(thin, 2, 1)}
${values.map((value) => html`<circle cx="${layout.x(value).toFixed(1)}" cy="${y}" r="4" fill="none" stroke="var(--series-1)" stroke-width="1.5"/>`)}<path d="M${layout.x(mean).toFixed(1)} ${y - 9}V${y + 9}" stroke="var(--series-1)" stroke-width="3" stroke-linecap="round"/></g>`;
}
