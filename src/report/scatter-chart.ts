/** Named points over two axes, such as recall against cost. */
import { ScatterChart } from "echarts/charts";
import { use } from "echarts/core";
import { LabelLayout } from "echarts/features";
import { type ChartSize, chartText, hairline, render } from "./chart.js";
import { formatNumber, formatPercent } from "./format.js";
import type { Html } from "./html.js";
import { niceTicks } from "./interval-layout.js";
import { type LabelledPoint, type LabelPlace, labelPlaces } from "./label-places.js";
import { seriesColour } from "./theme.js";

use([ScatterChart, LabelLayout]);

export interface NamedPoint {
  readonly name: string;
  /** Above 0: the axis is logarithmic. */
  readonly x: number;
  /** Percent. */
  readonly y: number;
  /** The point to look at. */
  readonly isFirst: boolean;
}

export interface ScatterChartOptions extends ChartSize {
  /** Alternative text: what the chart says, in a sentence. */
  readonly description: string;
  readonly xName: string;
  readonly yName: string;
}

/** Room around the axes for their numbers and names. */
const margin = { left: 56, right: 12, top: 10, bottom: 44 };

/**
 * Names stand where they do not lie over each other, with a line to a point that is not beside them. Points far below all
 * others stand on the lower edge, with their value.
 */
export function scatterChart(points: readonly NamedPoint[], options: ScatterChartOptions): Html {
  const { xName, yName, widthPx, heightPx } = options;
  const xTicks = logTicks(points.map(({ x }) => x));
  const yTicks = niceTicks(...shownRange(points.map(({ y }) => y)), 6);
  const [xMin = 1, xMax = 10] = [xTicks[0], xTicks.at(-1)];
  const [yMin = 0, yMax = 100] = [yTicks[0], yTicks.at(-1)];
  const plot = {
    widthPx: widthPx - margin.left - margin.right,
    heightPx: heightPx - margin.top - margin.bottom,
  };
  const shown = points.map(({ name, x, y, isFirst }) => {
    const isBelow = y < yMin;
    return {
      text: isBelow ? `${name}: ${formatPercent(y)}` : name,
      isFirst,
      isBelow,
      value: [x, Math.max(y, yMin)] as const,
      x: (plot.widthPx * Math.log(x / xMin)) / Math.log(xMax / xMin),
      y: plot.heightPx * (1 - (Math.max(y, yMin) - yMin) / (yMax - yMin)),
    };
  });
  const places = labelPlaces(shown, plot);
  const axis = (name: string, nameGap: number, ticks: readonly number[]) => ({
    name,
    nameGap,
    nameTextStyle: chartText,
    nameLocation: "middle",
    min: ticks[0],
    max: ticks.at(-1),
    splitLine: { ...hairline, showMinLine: true },
    axisLine: hairline,
    axisTick: { show: false, customValues: ticks },
    axisLabel: {
      ...chartText,
      formatter: formatNumber,
      customValues: ticks,
      showMinLabel: true,
      showMaxLabel: true,
    },
  });
  return render(
    {
      animation: false,
      silent: true,
      grid: { ...margin, outerBoundsMode: "none" },
      xAxis: { type: "log", ...axis(xName, 28, xTicks) },
      yAxis: { type: "value", ...axis(yName, 36, yTicks) },
      series: [
        {
          type: "scatter",
          clip: false,
          data: shown.map(({ text, value, isFirst, isBelow }, i) => ({
            name: text,
            labelLine: { show: !isBeside(places[i], shown[i]) },
            value,
            symbol: isBelow ? "triangle" : isFirst ? "diamond" : "circle",
            symbolRotate: isBelow ? 180 : 0,
            symbolSize: isFirst ? 15 : 10,
            itemStyle: { color: seriesColour(isFirst ? 0 : 1) },
            label: { fontWeight: isFirst ? 700 : 400 },
          })),
          label: { show: true, formatter: "{b}", ...chartText, color: "var(--ink)" },
          labelLine: { show: true, lineStyle: { color: "var(--line-strong)" } },
          labelLayout: ({ dataIndex = 0 }: { dataIndex?: number }) => {
            const [place, point] = [places[dataIndex], shown[dataIndex]];
            if (!place || !point) return {};
            const at = (x: number, y: number) => [margin.left + x, margin.top + y];
            const [x, y] = at(place.x, place.y);
            const end = at(place.x + (place.align === "left" ? -2 : 2), place.y);
            return {
              x,
              y,
              align: place.align,
              verticalAlign: "middle",
              labelLinePoints: [at(point.x, point.y), end, end],
            };
          },
        },
      ],
    },
    options,
  );
}

/** Needs no line between them. */
function isBeside(place: LabelPlace | undefined, point: LabelledPoint | undefined): boolean {
  return place !== undefined && point !== undefined && Math.hypot(place.x - point.x, place.y - point.y) < 12;
}

/** From the least to the greatest, without what lies far below all others. */
function shownRange(values: readonly number[]): readonly [number, number] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.round(part * (sorted.length - 1))] ?? 0;
  const farBelow = at(0.25) - 3 * (at(0.75) - at(0.25)) - 1;
  return [sorted.find((value) => value >= farBelow) ?? at(0), at(1)];
}

/** Marks 1, 2 or 5 times a power of ten, from below the least to above the greatest. */
function logTicks(values: readonly number[]): readonly number[] {
  const [least, greatest] = [Math.min(...values), Math.max(...values)];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(least)) - 1; 10 ** power <= 10 * greatest; power += 1) {
    for (const factor of [1, 2, 5]) ticks.push(Number((factor * 10 ** power).toPrecision(6)));
  }
  const first = ticks.findLastIndex((tick) => tick < least);
  const last = ticks.findIndex((tick) => tick > greatest);
  return ticks.slice(Math.max(0, first), last + 1);
}
