/** One quantity over steps or epochs as a figure. */
import { type Line, type LineChartOptions, lineChart } from "./chart.js";
import { formatNumber } from "./format.js";
import { type Html, html } from "./html.js";

export const curvesCss = `
.curves { display: grid; gap: 1.25rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); }
.curve { margin: 0; padding: 1.1rem 1.1rem 0.7rem; display: grid; gap: 0.5rem; align-content: start; }
.curve figcaption .small { display: block; margin-top: 0.2rem; }
.chart { width: 100%; height: auto; display: block; font-family: inherit; }
.curves-table { margin-top: 1.25rem; }
`;

const size = { widthPx: 420, heightPx: 262 };
/** Points of a line; more are averaged in groups. */
export const maxPoints = 120;

/** A curve, or nothing where no model recorded it. */
export interface Curve {
  readonly title: string;
  readonly note: string;
  readonly lines: readonly Line[];
  readonly options: Pick<LineChartOptions, "xName"> & Partial<Omit<LineChartOptions, "description">>;
  /** A value as words of the chart's description. */
  readonly format?: (value: number) => string;
}

/** Curves side by side where there is room; those without a point are left out. */
export function curveGrid(curves: readonly Curve[]): Html {
  return html`<div class="curves">${curves.map(curveFigure)}</div>`;
}

function curveFigure({ title, note, lines, options, format = formatNumber }: Curve): Html | undefined {
  if (lines.every(({ points }) => points.length === 0)) return undefined;
  const description = `${title}: ${lines.map((line) => describe(line, format)).join("; ")}.`;
  return html`<figure class="card curve"><figcaption><h3>${title}</h3><span class="small soft">${note}</span></figcaption>${lineChart(
    lines,
    { ...size, ...options, description },
  )}</figure>`;
}

function describe({ name, points }: Line, format: (value: number) => string): string {
  const first = points[0]?.[1];
  const last = points.at(-1)?.[1];
  if (first === undefined || last === undefined) return `${name}: no values`;
  return `${name} from ${format(first)} to ${format(last)}`;
}
