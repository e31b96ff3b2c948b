/** Charts as SVG markup, drawn without a browser and without a script in the page. */
import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, LegendComponent } from "echarts/components";
import { type EChartsCoreOption, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { formatNumber } from "./format.js";
import { escapeHtml, type Html, trustedHtml } from "./html.js";
import { seriesColour } from "./theme.js";

use([BarChart, LineChart, GridComponent, LegendComponent, SVGRenderer]);

/** Size in CSS pixels at which text has its nominal size; the picture scales with its column. */
export interface ChartSize {
  readonly widthPx: number;
  readonly heightPx: number;
}

/** A line of points. */
export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Which series colour; equal models have equal colours in every chart. */
  readonly colourIndex: number;
  /** Dots on the points, for few and separate measurements. */
  readonly hasDots?: boolean;
}

export interface LineChartOptions extends ChartSize {
  /** Alternative text: what the chart says, in a sentence. */
  readonly description: string;
  readonly xName: string;
  /** Ends of the axes; by default those of the points. */
  readonly xMin?: number;
  readonly xMax?: number;
  readonly yMin?: number;
  readonly yMax?: number;
  /** Distance of the marks of y. */
  readonly yInterval?: number;
  readonly isYLog?: boolean;
  /** x takes whole values only: epochs, layers. */
  readonly isXWhole?: boolean;
}

export interface BarGroup {
  readonly name: string;
  /** One value per label. */
  readonly values: readonly number[];
  readonly colourIndex: number;
}

export interface BarChartOptions extends ChartSize {
  readonly description: string;
  readonly labels: readonly string[];
  readonly yMax: number;
  /** Text above a bar. */
  readonly format: (value: number) => string;
}

/** Of axes, legends and labels. */
export const chartText = { color: "var(--ink-soft)", fontSize: 12, fontFamily: "inherit" };
export const hairline = { lineStyle: { color: "var(--line)" } };

/** Lines over a numeric axis. Points that are not finite leave a gap. */
export function lineChart(lines: readonly Line[], options: LineChartOptions): Html {
  const { xName, yMin, yMax, yInterval, isYLog = false, isXWhole = false } = options;
  const xs = lines.flatMap(({ points }) => points.map(([x]) => x));
  return render(
    {
      ...frame(lines, { topPx: 10, bottomPx: 34, widthPx: options.widthPx }),
      xAxis: {
        type: "value",
        min: options.xMin ?? Math.min(...xs),
        max: options.xMax ?? Math.max(...xs),
        name: xName,
        nameLocation: "middle",
        nameGap: 26,
        nameTextStyle: chartText,
        ...(isXWhole ? { minInterval: 1 } : {}),
        splitLine: { show: false },
        axisLine: hairline,
        axisLabel: { ...chartText, hideOverlap: true },
      },
      yAxis: {
        type: isYLog ? "log" : "value",
        ...(yMin === undefined ? {} : { min: yMin }),
        ...(yMax === undefined ? {} : { max: yMax }),
        ...(yMin === undefined ? { scale: true } : {}),
        ...(yInterval === undefined ? { splitNumber: 4 } : { interval: yInterval }),
        splitLine: hairline,
        axisLabel: { ...chartText, ...(isYLog ? { formatter: formatNumber } : {}) },
      },
      series: lines.map(({ name, points, colourIndex, hasDots = false }) => ({
        type: "line",
        name,
        data: points.map(([x, y]) => [x, Number.isFinite(y) && !(isYLog && y <= 0) ? y : null]),
        showSymbol: hasDots,
        symbol: symbols[colourIndex % symbols.length],
        symbolSize: 7,
        lineStyle: { width: 2.2, color: seriesColour(colourIndex) },
        itemStyle: { color: seriesColour(colourIndex) },
      })),
    },
    { ...options, heightPx: options.heightPx + wrappedLegendPx(lines, options.widthPx) },
  );
}

/** Groups of bars side by side, from 0 to `yMax`, each with its value above it. */
export function barChart(groups: readonly BarGroup[], options: BarChartOptions): Html {
  return render(
    {
      ...frame(groups, { topPx: 22, bottomPx: 4, widthPx: options.widthPx }),
      xAxis: {
        type: "category",
        data: [...options.labels],
        axisTick: { show: false },
        axisLine: hairline,
        axisLabel: { ...chartText, color: "var(--ink)", fontSize: 13, fontWeight: 600, interval: 0 },
      },
      yAxis: { type: "value", min: 0, max: options.yMax, splitLine: hairline, axisLabel: chartText },
      series: groups.map(({ name, values, colourIndex }) => ({
        type: "bar",
        name,
        data: [...values],
        barGap: "14%",
        barCategoryGap: "22%",
        itemStyle: { color: seriesColour(colourIndex), borderRadius: [4, 4, 0, 0] },
        label: {
          show: true,
          position: "top",
          distance: 4,
          formatter: ({ value }: { value: number }) => options.format(value),
          ...chartText,
          color: "var(--ink)",
        },
      })),
    },
    { ...options, heightPx: options.heightPx + wrappedLegendPx(groups, options.widthPx) },
  );
}

/** Shapes beside colours, so that lines can be told apart without seeing hues. */
const symbols = ["circle", "rect", "triangle", "diamond", "roundRect", "pin", "arrow", "circle"];

/** What both kinds share: grid, and a legend where there is more than one series. */
function frame(
  series: readonly { readonly name: string }[],
  {
    topPx,
    bottomPx,
    widthPx,
  }: { readonly topPx: number; readonly bottomPx: number; readonly widthPx: number },
): EChartsCoreOption {
  const hasLegend = series.length > 1;
  return {
    animation: false,
    silent: true,
    grid: {
      left: 6,
      right: 14,
      top: topPx + (hasLegend ? 26 : 0) + wrappedLegendPx(series, widthPx),
      bottom: bottomPx,
      outerBoundsMode: "same",
      outerBoundsContain: "axisLabel",
    },
    legend: hasLegend
      ? {
          top: 0,
          left: 0,
          itemWidth: 18,
          itemHeight: 9,
          itemGap: 14,
          textStyle: { ...chartText, color: "var(--ink)" },
        }
      : { show: false },
  };
}

/** Height of a legend's lines after its first. */
function wrappedLegendPx(series: readonly { readonly name: string }[], widthPx: number): number {
  let [lines, lineWidth] = [1, 0];
  for (const { name } of series) {
    const width = 40 + 6.6 * name.length;
    if (lineWidth > 0 && lineWidth + width > widthPx) [lines, lineWidth] = [lines + 1, 0];
    lineWidth += width;
  }
  return 20 * (lines - 1);
}

/** The chart's SVG with an accessible name, sized by its column. */
export function render(
  option: EChartsCoreOption,
  { widthPx, heightPx, description }: ChartSize & { description: string },
): Html {
  const chart = init(null, null, { renderer: "svg", ssr: true, width: widthPx, height: heightPx });
  try {
    chart.setOption(option);
    const svg = chart.renderToSVGString({ useViewBox: true });
    return trustedHtml(
      svg.replace(
        /^<svg[^>]*?(viewBox="[^"]*")[^>]*>/,
        `<svg class="chart" role="img" aria-label="${escapeHtml(description)}" $1>`,
      ),
    );
  } finally {
    chart.dispose();
  }
}
