/** Bars in a card with a caption, drawn once for wide pages and once for narrow ones. */
import { type BarChartOptions, type BarGroup, barChart } from "./chart.js";
import { type Html, html } from "./html.js";

export const barFigureCss = `
.bar-figure { margin: 0; padding: 1.25rem; }
`;

export interface BarFigure extends Omit<BarChartOptions, "widthPx" | "heightPx"> {
  readonly caption: string;
  readonly groups: readonly BarGroup[];
  /** Labels that fit a narrow page; the same by default. */
  readonly narrowLabels?: readonly string[] | undefined;
  readonly heightPx?: number;
}

export function barFigure({ caption, groups, narrowLabels, heightPx = 320, ...options }: BarFigure): Html {
  const narrow = { ...options, labels: narrowLabels ?? options.labels };
  return html`<figure class="card bar-figure">
<figcaption class="small soft">${caption}</figcaption>
<div class="wide-only">${barChart(groups, { ...options, widthPx: 1000, heightPx })}</div>
<div class="narrow-only">${barChart(groups, { ...narrow, widthPx: 400, heightPx: heightPx + 10 })}</div>
</figure>`;
}
