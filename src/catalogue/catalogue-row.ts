/** A row of a catalogue's file as it stands there, and how large such a file may be. */
import type { CellProblem } from "./catalogue-item.js";

/** How large a catalogue may be. */
export interface CatalogueLimits {
  readonly rows: number;
  /** Of one row, line breaks inside quotes included. */
  readonly rowCharacters: number;
  readonly fields: number;
}

export const defaultLimits: CatalogueLimits = { rows: 2_000_000, rowCharacters: 2 ** 20, fields: 500 };

/** A cell: a text, a list where JSON has one, or what is wrong with it. */
export type Cell = string | readonly string[] | CellProblem;

/** A row: its cells by column, or why it has none. */
export type CatalogueRow =
  | { readonly number: number; readonly cells: ReadonlyMap<string, Cell> }
  | { readonly number: number; readonly problem: string };

export interface RowOptions {
  readonly limits: CatalogueLimits;
  /** Columns that are left out, as if they were not there; case does not matter. */
  readonly ignoredColumns: readonly string[];
  /** Called with the bytes read so far. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

export const nextStep = "see docs/data.md, A shop's own catalogue";
