/** The value of a field that suits each row best, by recall on triplets held out of train: a fair table tunes every row alike. */
import { UsageError } from "../errors.js";
import type { TuningRow } from "../report/tuning-table.js";
import type { EpochMetrics } from "../runs/metrics.js";
import { readMetrics } from "../runs/run-files.js";
import { recallOf } from "../training/watch.js";
import { type GridCell, type GridPlan, type GridRow, planCells } from "./grid-cells.js";

/** What is tried. */
export interface Tuning {
  /** A field of training or of the models: "learningRate". */
  readonly field: string;
  /** As a configuration has them, in the order in which they are tried. */
  readonly values: readonly unknown[];
}

/** Name of the row in which the value at this place is tried; it names folders. */
function trialName({ name }: GridRow, place: number): string {
  return `${name}-tune${place + 1}`;
}

/** A row for each row and value. */
export function trialRows(rows: readonly GridRow[], { field, values }: Tuning): readonly GridRow[] {
  return rows.flatMap((row) =>
    values.map((value, place) => ({
      ...row,
      name: trialName(row, place),
      title: `${row.title}, ${field} ${JSON.stringify(value)}`,
      fields: { ...row.fields, [field]: value },
    })),
  );
}

/**
 * The trainings in which each row tries each value.
 * @throws ConfigError as `planCells`; UsageError where nothing is held out of train to choose by.
 */
export function planTrials(
  rows: readonly GridRow[],
  tuning: Tuning,
  plan: Omit<GridPlan, "rows">,
): readonly GridCell[] {
  const { cells } = planCells({ ...plan, rows: trialRows(rows, tuning) });
  const blind = cells.find(({ config: { training } }) => training.holdOut === 0);
  if (blind) {
    throw new UsageError(
      `--tune: values are chosen by triplets held out of train, and ${blind.row.title} holds none out; set holdOut, for example --set holdOut=0.05`,
    );
  }
  return cells.map((cell) => ({ ...cell, trainsOnly: true }));
}

/** The rows with the value that did best in each. @param recalls by the names of `trialRows`; none where one failed. */
export function tunedRows(
  rows: readonly GridRow[],
  { field, values }: Tuning,
  recalls: ReadonlyMap<string, number>,
): { readonly rows: readonly GridRow[]; readonly tuned: readonly TuningRow[] } {
  const tuned = rows.map((row): TuningRow => {
    const tried = values.map((value, place) => ({
      value,
      recall: recalls.get(trialName(row, place)) ?? null,
    }));
    const best = tried.reduce<{ readonly value: unknown; readonly recall: number } | undefined>(
      (most, { value, recall }) =>
        recall !== null && recall > (most?.recall ?? Number.NEGATIVE_INFINITY) ? { value, recall } : most,
      undefined,
    );
    return { name: row.title, field, tried, chosen: best ? best.value : null };
  });
  return {
    tuned,
    rows: rows.map((row, i) => {
      const chosen = tuned[i]?.chosen ?? null;
      return chosen === null ? row : { ...row, fields: { ...row.fields, [field]: chosen } };
    }),
  };
}

/** What a finished training finds of what is held out of train: the epoch's whose parameters it kept. */
export function heldOutRecalls(
  { config: { training } }: Pick<GridCell, "config">,
  runDir: string,
): NonNullable<EpochMetrics["validation"]> | undefined {
  const epochs = readMetrics(runDir).flatMap((metrics) =>
    metrics.kind === "epoch" && metrics.validation ? [metrics.validation] : [],
  );
  if (training.keep === "last") return epochs.at(-1);
  return epochs.toSorted((a, b) => recallOf(b) - recallOf(a))[0];
}
