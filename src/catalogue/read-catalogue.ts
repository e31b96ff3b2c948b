/** Reads a shop's catalogue item by item, and reports everything that is wrong with it. */
import { DatasetError } from "../errors.js";
import {
  type CatalogueItem,
  CellProblem,
  checkedBy,
  parseImage,
  parsePrice,
  parseTitle,
  parseValues,
} from "./catalogue-item.js";
import { type CatalogueLimits, type Cell, defaultLimits } from "./catalogue-row.js";
import { catalogueRows } from "./catalogue-rows.js";
import { categorySchema, idSchema, reservedColumns } from "./item-schema.js";
import { shortened } from "./normal-text.js";
import { guesses } from "./table-columns.js";

export interface ReadCatalogueOptions {
  readonly limits?: Partial<CatalogueLimits>;
  /** Columns that are read as if they were not there. */
  readonly ignoredColumns?: readonly string[] | undefined;
  /** Called with the bytes of the file read so far. */
  readonly onBytes?: (bytes: number) => void;
  /** Called for every row with something wrong, before its item is given; the rows after it are read as ever. */
  readonly onWrongRow?: (wrong: WrongRow) => void;
}

/** A row with something wrong. */
export interface WrongRow {
  readonly row: number;
  /** The row's id, where that can be read. */
  readonly id: string | undefined;
  /** Is there no item? Otherwise there is one without the values of the columns that are named. */
  readonly isRefused: boolean;
  readonly problems: readonly ColumnProblem[];
}

export interface ColumnProblem {
  /** Absent where the row as a whole is wrong. */
  readonly column?: string;
  readonly reason: string;
}

/** Problems listed in one message; the others are counted. */
const listedProblemCount = 20;

/**
 * The items of a catalogue in file order: CSV with a header, or JSON objects. Columns `id`, `image` and `category` are
 * needed, `title` and `price` have a meaning, all others are attributes. Only the row under way and the ids are kept in
 * memory. No image is opened or fetched.
 *
 * With `onWrongRow`, problems are told row by row: a row without an id, image or category that can be used is left out,
 * of every other one only the values that cannot be used. Without it, no further item is given after a row with a
 * problem, but the file is read to its end, so that the error lists the first problems of all rows with row and column,
 * and how many there are. What was done with earlier items must then be given up.
 * @throws DatasetError when the file is missing or empty, its header cannot be used, or (without `onWrongRow`) a row has
 *   a problem.
 */
export async function* readCatalogue(
  file: string,
  { limits: given = {}, ignoredColumns = [], onBytes, onWrongRow }: ReadCatalogueOptions = {},
): AsyncGenerator<CatalogueItem, void, undefined> {
  const limits = { ...defaultLimits, ...given };
  const rowOfId = new Map<string, number>();
  const list = new ProblemList();
  let rowCount = 0;
  for await (const row of catalogueRows(file, { limits, ignoredColumns, onBytes })) {
    rowCount += 1;
    if (rowCount > limits.rows) {
      throw new DatasetError(`${file}: at most ${limits.rows} rows are read; split the file`);
    }
    const { id, item, problems } =
      "problem" in row ? wholeRow(row.problem) : checkedRow(row.cells, row.number, rowOfId);
    if (problems.length > 0) {
      const wrong = { row: row.number, id, isRefused: item === undefined, problems };
      if (onWrongRow) onWrongRow(wrong);
      else list.add(wrong);
    }
    if (item !== undefined && list.count === 0) yield item;
  }
  if (list.count > 0) throw new DatasetError(list.message(file));
  if (rowCount === 0) throw new DatasetError(`${file}: has no items; add rows below the header`);
}

/** How many rows a catalogue has, wrong ones included. @throws DatasetError as `readCatalogue`, but for wrong rows. */
export async function countCatalogueRows(
  file: string,
  { onBytes, ignoredColumns = [] }: Pick<ReadCatalogueOptions, "onBytes" | "ignoredColumns"> = {},
): Promise<number> {
  let count = 0;
  for await (const _ of catalogueRows(file, { limits: defaultLimits, ignoredColumns, onBytes })) count += 1;
  return count;
}

/** The first problems of a file in words, and how many there are. */
class ProblemList {
  readonly #listed: string[] = [];
  count = 0;

  add({ row, problems }: WrongRow): void {
    this.count += problems.length;
    for (const { column, reason } of problems) {
      if (this.#listed.length === listedProblemCount) return;
      this.#listed.push(`row ${row}, ${column === undefined ? "" : `column ${column}: `}${reason}`);
    }
  }

  message(file: string): string {
    const more = this.count > this.#listed.length ? `\n  - and ${this.count - this.#listed.length} more` : "";
    const list = this.#listed.map((problem) => `\n  - ${problem}`).join("");
    const head = this.count === 1 ? "1 problem" : `${this.count} problems`;
    return `${file}: ${head}:${list}${more}\ncorrect the rows and try again; docs/data.md says what each column may hold`;
  }
}

interface CheckedRow {
  readonly id: string | undefined;
  /** Absent where the row has none that can be used. */
  readonly item: CatalogueItem | undefined;
  readonly problems: readonly ColumnProblem[];
}

function wholeRow(reason: string): CheckedRow {
  return { id: undefined, item: undefined, problems: [{ reason }] };
}

/** What the cells of a row come to. The id is noted in `rowOfId`. */
function checkedRow(cells: ReadonlyMap<string, Cell>, row: number, rowOfId: Map<string, number>): CheckedRow {
  const problems: ColumnProblem[] = [];
  const checked = <T>(column: string, parse: (text: string) => T | CellProblem): T | undefined => {
    const cell = cells.get(column) ?? "";
    const value =
      cell instanceof CellProblem
        ? cell
        : typeof cell === "string"
          ? parse(cell)
          : new CellProblem("must be one text");
    if (!(value instanceof CellProblem)) return value;
    problems.push({ column, reason: reasonOf(value, column, cells) });
    return undefined;
  };
  const id = checked("id", (text) => checkedBy(idSchema, text));
  const firstRow = id === undefined ? undefined : rowOfId.get(id);
  if (id !== undefined && firstRow === undefined) rowOfId.set(id, row);
  if (firstRow !== undefined) {
    problems.push({ column: "id", reason: `must be unique; row ${firstRow} has it too; got ${shorten(id)}` });
  }
  const image = checked("image", parseImage);
  const category = checked("category", (text) => checkedBy(categorySchema, text));
  const isRefused = problems.length > 0;
  const title = checked("title", parseTitle);
  const price = checked("price", parsePrice);
  const attributes = new Map<string, readonly string[]>();
  for (const [column, cell] of cells) {
    if (isReserved(column) || cell === "") continue;
    const values = cell instanceof CellProblem ? cell : parseValues(column, cell);
    if (values instanceof CellProblem) problems.push({ column, reason: reasonOf(values, column, cells) });
    else if (values.length > 0) attributes.set(column, values);
  }
  if (isRefused || id === undefined || image === undefined || category === undefined) {
    return { id, item: undefined, problems };
  }
  return { id, item: { id, image, category, title, price, attributes, row }, problems };
}

const reserved: ReadonlySet<string> = new Set(reservedColumns);

function isReserved(column: string): boolean {
  return reserved.has(column);
}

/** What a cell must be, what it is, and which column may be meant where it is missing. */
function reasonOf({ mustBe }: CellProblem, column: string, cells: ReadonlyMap<string, Cell>): string {
  const cell = cells.get(column);
  if (cell instanceof CellProblem) return mustBe;
  const meant =
    cell === undefined ? guesses([...cells.keys()]).find((guess) => guess.endsWith(` ${column}`)) : undefined;
  return `${mustBe}; got ${shorten(cell ?? "")}${meant === undefined ? "" : `; ${meant}: rename it`}`;
}

function shorten(value: string | readonly string[] | undefined): string {
  const text = value === "" || value === undefined ? "nothing" : JSON.stringify(value);
  return shortened(text, 80);
}
