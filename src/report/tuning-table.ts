/** How the rows of a comparison came by the value of a field: what each did on triplets held out of train. */
import { formatPercent } from "./format.js";

/** A row, the values that were tried, and the one that it has. */
export interface TuningRow {
  readonly name: string;
  readonly field: string;
  /** Recall in percent; null where a training came to nothing. */
  readonly tried: readonly { readonly value: unknown; readonly recall: number | null }[];
  /** Null where all came to nothing. */
  readonly chosen: unknown;
}

/** A line for each row: recall with each value, and which one was chosen. */
export function tuningTable(rows: readonly TuningRow[]): {
  readonly head: readonly string[];
  readonly lines: readonly (readonly string[])[];
} {
  const [first] = rows;
  const shown = (value: unknown) => JSON.stringify(value);
  return {
    head: ["Row", ...(first?.tried ?? []).map(({ value }) => `${first?.field} ${shown(value)}`), "chosen"],
    lines: rows.map(({ name, tried, chosen }) => [
      name,
      ...tried.map(({ recall }) => (recall === null ? "failed" : formatPercent(recall))),
      chosen === null ? "none: the configuration's own" : shown(chosen),
    ]),
  };
}

/** What the numbers are. */
export const tuningMethod =
  "Mean of R@1, R@10 and R@50 in percent on triplets held out of train, one training each with the first seed; the highest counts. " +
  "The evaluated split takes no part.";
