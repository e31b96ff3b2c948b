/** The rows of a comparison of models: each model, with its own recipe if asked for, and with wrong training data. */
import type { GridRow } from "./grid-cells.js";

/** A model that is compared. */
export interface ComparedModel {
  readonly name: string;
  /** As tables show it. */
  readonly title: string;
  /** Fields of its own recipe, where recipes are asked for and it has one. */
  readonly recipe?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * A row for each model and each share of mismatched training triplets, in percent. With more than one share, each row is
 * compared with the same model at the first of them: what the wrong data cost.
 */
export function compareRows(
  models: readonly ComparedModel[],
  { mismatched = [] }: { readonly mismatched?: readonly number[] | undefined },
): readonly GridRow[] {
  const rowName = (name: string, percent: number) => (percent === 0 ? name : `${name}-mismatched${percent}`);
  return models.flatMap(({ name, title, recipe = {} }) => {
    const row = { name, title, model: name, recipe };
    const [first] = mismatched;
    if (first === undefined) return [row];
    return mismatched.map((percent): GridRow => {
      const own = {
        name: rowName(name, percent),
        title: percent === 0 ? title : `${title}, ${percent} % mismatched`,
        fields: { mismatchedTriplets: percent / 100 },
        mismatched: { title, percent },
      };
      return percent === first ? { ...row, ...own } : { ...row, ...own, against: rowName(name, first) };
    });
  });
}
