/** Reads a shop's catalogue item by item, and reports everything that is wrong with it at once. */
import { DatasetError } from "../errors.js";
import {
  type CatalogueItem,
  CellProblem,
  parseCategory,
  parseId,
  parseImage,
  parsePrice,
  parseTitle,
  parseValues,
  reservedColumns,
} from "./catalogue-item.js";
import { type CatalogueLimits, type Cell, catalogueRows, defaultLimits } from "./catalogue-rows.js";

export interface ReadCatalogueOptions {
  readonly limits?: Partial<CatalogueLimits>;
  /** Called with the bytes of the file read so far. */
  readonly onBytes?: (bytes: number) => void;
  /** Called for every row that is wrong; the rows after it are then given as if it were not there. */
  readonly onWrongRow?: (wrong: WrongRow) => void;
}

/** A row that cannot be used, and everything that is wrong with it. */
export interface WrongRow {
  readonly row: number;
  /** The row's id, where that can be read. */
  readonly id: string | undefined;
  readonly problems: readonly string[];
}

/** Problems listed in one message; the others are counted. */
const listedProblemCount = 20;

/**
 * The items of a catalogue in file order: `.csv` with a header, or `.jsonl` with one object a line. Columns `id`,
 * `image` and `category` are needed, `title` and `price` have a meaning, all others are attributes. Only the row under
 * way and the ids are kept in memory. No image is opened or fetched.
 *
 * After a row that is wrong no further item is given, but the file is read to its end, so that the error lists the
 * first problems of all rows with row and column, and how many there are. What was done with earlier items must
 * therefore be given up when this throws. With `onWrongRow` wrong rows are told one by one instead, and left out.
 * @throws DatasetError when the file is missing, empty, or a row is wrong.
 */
export async function* readCatalogue(
  file: string,
  { limits: given = {}, onBytes, onWrongRow }: ReadCatalogueOptions = {},
): AsyncGenerator<CatalogueItem, void, undefined> {
  const limits = { ...defaultLimits, ...given };
  const rowOfId = new Map<string, number>();
  const problems: string[] = [];
  let problemCount = 0;
  let rowCount = 0;
  for await (const row of catalogueRows(file, { limits, onBytes })) {
    rowCount += 1;
    if (rowCount > limits.rows) {
      throw new DatasetError(`${file}: at most ${limits.rows} rows are read; split the file`);
    }
    const result = "problem" in row ? [row.problem] : checkedItem(row.cells, row.number, rowOfId);
    if (!Array.isArray(result)) {
      if (problemCount === 0) yield result;
      continue;
    }
    if (onWrongRow) {
      const id = "cells" in row ? parseId(String(row.cells.get("id") ?? "")) : undefined;
      onWrongRow({ row: row.number, id: typeof id === "string" ? id : undefined, problems: result });
      continue;
    }
    problemCount += result.length;
    for (const problem of result) {
      if (problems.length < listedProblemCount) problems.push(`row ${row.number}, ${problem}`);
    }
  }
  if (problemCount > 0) throw new DatasetError(problemMessage(file, problems, problemCount));
  if (rowCount === 0) throw new DatasetError(`${file}: has no items; add rows below the header`);
}

/** How many rows a catalogue has, wrong ones included. @throws DatasetError as `readCatalogue`, but for wrong rows. */
export async function countCatalogueRows(
  file: string,
  { onBytes }: Pick<ReadCatalogueOptions, "onBytes"> = {},
): Promise<number> {
  let count = 0;
  for await (const _ of catalogueRows(file, { limits: defaultLimits, onBytes })) count += 1;
  return count;
}

function problemMessage(file: string, problems: readonly string[], count: number): string {
  const more = count > problems.length ? `\n  - and ${count - problems.length} more` : "";
  const list = problems.map((problem) => `\n  - ${problem}`).join("");
  const head = count === 1 ? "1 problem" : `${count} problems`;
  return `${file}: ${head}:${list}${more}\nmend the rows and try again; docs/data.md says what each column may hold`;
}

/** The item of a row, or what is wrong with it. The id is noted in `rowOfId`. */
function checkedItem(
  cells: ReadonlyMap<string, Cell>,
  row: number,
  rowOfId: Map<string, number>,
): CatalogueItem | string[] {
  const problems: string[] = [];
  const note = (column: string, mustBe: string, got: Cell) =>
    problems.push(`column ${column}: ${mustBe}; got ${shorten(got)}`);
  const checked = <T>(column: string, parse: (text: string) => T | CellProblem): T | undefined => {
    const cell = cells.get(column) ?? "";
    const value = typeof cell === "string" ? parse(cell) : new CellProblem("must be one text");
    if (!(value instanceof CellProblem)) return value;
    note(column, value.mustBe, cell);
    return undefined;
  };
  const id = checked("id", parseId);
  const image = checked("image", parseImage);
  const category = checked("category", parseCategory);
  const title = checked("title", parseTitle);
  const price = checked("price", parsePrice);
  const attributes = new Map<string, readonly string[]>();
  for (const [column, cell] of cells) {
    if (isReserved(column)) continue;
    const values = parseValues(cell);
    if (values instanceof CellProblem) note(column, values.mustBe, cell);
    else if (values.length > 0) attributes.set(column, values);
  }
  for (const [column, cell] of cells) {
    if (String(cell).includes("\uFFFD")) note(column, "must be text in UTF-8", cell);
  }
  if (id !== undefined) {
    const first = rowOfId.get(id);
    if (first === undefined) rowOfId.set(id, row);
    else problems.push(`column id: must be unique; row ${first} has it too; got ${shorten(id)}`);
  }
  if (problems.length > 0 || id === undefined || image === undefined || category === undefined)
    return problems;
  return { id, image, category, title, price, attributes, row };
}

const reserved: ReadonlySet<string> = new Set(reservedColumns);

function isReserved(column: string): boolean {
  return reserved.has(column);
}

function shorten(value: Cell): string {
  const text = value === "" ? "nothing" : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
