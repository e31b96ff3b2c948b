/** How models stand wrong training data: the headline metric by share of mismatched triplets. */
import type { Comparison } from "../evaluation/comparison.js";
import { headlines } from "../evaluation/metrics.js";
import { formatPoints, formatSpread } from "./format.js";

/** A row of a comparison that is one of a model's, by share of mismatched training triplets. */
export interface RobustnessRow {
  /** The row's name in the comparison. */
  readonly row: string;
  /** The model's title. */
  readonly model: string;
  readonly percent: number;
}

/** A line for each model: the headline metric at each share, and how much less than at the first. Nothing where no row is of such a grid. */
export function robustnessTable(
  rows: readonly RobustnessRow[],
  comparison: Comparison,
): { readonly head: readonly string[]; readonly lines: readonly (readonly string[])[] } {
  const percents = [...new Set(rows.map(({ percent }) => percent))];
  const models = [...new Set(rows.map(({ model }) => model))];
  const [headline] = headlines(comparison.comparedBy);
  const spreadAt = (model: string, percent: number) => {
    const name = rows.find((row) => row.model === model && row.percent === percent)?.row;
    return comparison.rows.find((row) => row.name === name)?.mean[headline];
  };
  return {
    head: ["Model", ...percents.map((percent) => `${percent} % mismatched`)],
    lines: models.map((model) => {
      const first = spreadAt(model, percents[0] ?? 0);
      return [
        model,
        ...percents.map((percent, i) => {
          const spread = spreadAt(model, percent);
          if (!spread) return "–";
          return i > 0 && first
            ? `${formatSpread(spread)} (${formatPoints(spread.mean - first.mean)})`
            : formatSpread(spread);
        }),
      ];
    }),
  };
}
