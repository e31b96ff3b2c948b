/** Named points over two axes, such as recall against cost. */
import { ScatterChart } from "echarts/charts";
import { use } from "echarts/core";
import { LabelLayout } from "echarts/features";
import { type ChartSize, chartText, hairline, render } from "./chart.js";
import { formatNumber } from "./format.js";
import type { Html } from "./html.js";
import { seriesColour } from "./theme.js";

use([ScatterChart, LabelLayout]);

export interface NamedPoint {
  readonly name: string;
  /** Above 0: the axis is logarithmic. */
  readonly x: number;
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

/** Names stand beside their points, moved apart where they would lie over each other. */
export function scatterChart(points: readonly NamedPoint[], options: ScatterChartOptions): Html {
  const { xName, yName } = options;
  const axisName = { nameTextStyle: chartText, nameLocation: "middle" };
  const [low, high] = logEnds(points.map(({ x }) => x));
  return render(
    {
      animation: false,
      silent: true,
      grid: {
        left: 30,
        right: 16,
        top: 14,
        bottom: 40,
        outerBoundsMode: "same",
        outerBoundsContain: "axisLabel",
      },
      xAxis: {
        type: "log",
        min: low,
        max: high,
        name: xName,
        ...axisName,
        nameGap: 28,
        splitLine: hairline,
        axisLine: hairline,
        axisLabel: { ...chartText, formatter: formatNumber },
      },
      yAxis: {
        type: "value",
        name: yName,
        ...axisName,
        nameGap: 34,
        scale: true,
        splitNumber: 5,
        splitLine: hairline,
        axisLabel: chartText,
      },
      series: [
        {
          type: "scatter",
          symbolSize: 11,
          data: points.map(({ name, x, y, isFirst }) => ({
            name,
            value: [x, y],
            symbol: isFirst ? "diamond" : "circle",
            symbolSize: isFirst ? 15 : 10,
            itemStyle: { color: seriesColour(isFirst ? 0 : 1) },
            label: { fontWeight: isFirst ? 700 : 400 },
          })),
          label: {
            show: true,
            formatter: "{b}",
            position: "right",
            distance: 5,
            ...chartText,
            color: "var(--ink)",
          },
          labelLayout: { moveOverlap: "shiftY" },
          labelLine: { show: true, lineStyle: { color: "var(--line-strong)" } },
        },
      ],
    },
    options,
  );
}

/** Room for names on the right of the points: from a tick below the least to twice the greatest. */
function logEnds(values: readonly number[]): readonly [number, number] {
  const [least, greatest] = [Math.min(...values), Math.max(...values)];
  const span = Math.max(2, greatest / least);
  return [least / span ** 0.08, greatest * span ** 0.3];
}
