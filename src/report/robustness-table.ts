/** How models stand wrong training data: recall by share of mismatched triplets. */
import type { ComparisonRow } from "../evaluation/comparison.js";
import { formatPoints, formatSpread } from "./format.js";

/** A row of a comparison that is one of a model's, by share of mismatched training triplets. */
export interface RobustnessRow {
  /** The row's name in the comparison. */
  readonly row: string;
  /** The model's title. */
  readonly model: string;
  readonly percent: number;
}

/** A line for each model: R@10 at each share, and how much less than at the first. Nothing where no row is of such a grid. */
export function robustnessTable(
  rows: readonly RobustnessRow[],
  compared: readonly ComparisonRow[],
): { readonly head: readonly string[]; readonly lines: readonly (readonly string[])[] } {
  const percents = [...new Set(rows.map(({ percent }) => percent))];
  const models = [...new Set(rows.map(({ model }) => model))];
  const r10Of = (model: string, percent: number) => {
    const name = rows.find((row) => row.model === model && row.percent === percent)?.row;
    return compared.find((row) => row.name === name)?.mean.r10;
  };
  return {
    head: ["Model", ...percents.map((percent) => `${percent} % mismatched`)],
    lines: models.map((model) => {
      const first = r10Of(model, percents[0] ?? 0);
      return [
        model,
        ...percents.map((percent, i) => {
          const r10 = r10Of(model, percent);
          if (!r10) return "–";
          return i > 0 && first
            ? `${formatSpread(r10)} (${formatPoints(r10.mean - first.mean)})`
            : formatSpread(r10);
        }),
      ];
    }),
  };
}
