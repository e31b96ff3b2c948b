/** The rows of a catalogue file as they stand in it: CSV or JSON lines, streamed. */
import { createReadStream } from "node:fs";
import { extname } from "node:path";
import { pipeline } from "node:stream";
import { CsvError, parse } from "csv-parse";
import { DatasetError } from "../errors.js";
import { reservedColumns } from "./catalogue-item.js";

/** How large a catalogue may be. */
export interface CatalogueLimits {
  readonly rows: number;
  /** Of one row, line breaks inside quotes included. */
  readonly rowCharacters: number;
  readonly fields: number;
}

export const defaultLimits: CatalogueLimits = { rows: 2_000_000, rowCharacters: 2 ** 20, fields: 500 };

/** A cell: a text, or a list where JSON has one. */
export type Cell = string | readonly string[];

/** A row: its cells by column, or why it has none. */
export type CatalogueRow =
  | { readonly number: number; readonly cells: ReadonlyMap<string, Cell> }
  | { readonly number: number; readonly problem: string };

export interface RowOptions {
  readonly limits: CatalogueLimits;
  /** Called with the bytes read so far. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

const nextStep = "see docs/data.md, A shop's own catalogue";

/**
 * Rows in file order, empty ones left out. Rows are numbered as a spreadsheet does: the header of a CSV file is row 1,
 * and so is the first line of a file of JSON lines.
 * @throws DatasetError when the file cannot be read on: it is missing, its header or its quotes are wrong.
 */
export function catalogueRows(file: string, options: RowOptions): AsyncGenerator<CatalogueRow> {
  const ending = extname(file).toLowerCase();
  if (ending === ".csv") return csvRows(file, options);
  if (ending === ".jsonl" || ending === ".ndjson") return jsonRows(file, options);
  throw new DatasetError(
    `${file}: a catalogue's name must end in .csv or .jsonl; got ${ending || "no ending"}; ${nextStep}`,
  );
}

async function* csvRows(file: string, { limits, onBytes }: RowOptions): AsyncGenerator<CatalogueRow> {
  const parser = parse({
    bom: true,
    relax_column_count: true,
    max_record_size: limits.rowCharacters,
    trim: true,
  });
  const bytes = createReadStream(file);
  let read = 0;
  bytes.on("data", (chunk) => {
    read += chunk.length;
    onBytes?.(read);
  });
  pipeline(bytes, parser, () => undefined); // an error of either end comes out of the parser
  let columns: readonly string[] | undefined;
  let number = 0;
  try {
    for await (const record of parser as AsyncIterable<string[]>) {
      number += 1;
      if (columns === undefined) {
        columns = checkedHeader(file, record, limits);
        continue;
      }
      if (record.every((cell) => cell === "")) continue; // spreadsheets end in such rows
      if (record.length !== columns.length) {
        const problem = `has ${record.length} fields where the header has ${columns.length}; check quotes and commas`;
        yield { number, problem };
      } else yield { number, cells: new Map(columns.map((column, i) => [column, record[i] ?? ""])) };
    }
  } catch (cause) {
    throw readError(file, cause);
  }
  if (columns === undefined) throw new DatasetError(`${file}: the file is empty; ${nextStep}`);
}

/** Column names, those with a meaning in lower case. @throws DatasetError that lists everything wrong. */
function checkedHeader(file: string, record: readonly string[], limits: CatalogueLimits): readonly string[] {
  const columns = record.map(columnName);
  const problems: string[] = [];
  if (columns.length > limits.fields) {
    problems.push(`at most ${limits.fields} columns are read; got ${columns.length}`);
  }
  if (columns.includes("")) problems.push(`column ${columns.indexOf("") + 1} has no name`);
  for (const column of new Set(columns.filter((name, i) => name !== "" && columns.indexOf(name) !== i))) {
    problems.push(`column ${column} occurs more than once`);
  }
  for (const column of ["id", "image", "category"]) {
    if (!columns.includes(column)) problems.push(`column ${column} is missing`);
  }
  if (problems.length === 0) return columns;
  const shown = record.join(", ");
  const hint =
    record.length === 1 && /[;\t]/.test(shown) ? "save the file with commas between the fields" : nextStep;
  throw new DatasetError(
    `${file}: row 1, the header, cannot be used:${problems.map((problem) => `\n  - ${problem}`).join("")}\n` +
      `got ${shown.length > 200 ? `${shown.slice(0, 197)}...` : shown}; ${hint}`,
  );
}

function columnName(text: string): string {
  const lower = text.trim().toLowerCase();
  return (reservedColumns as readonly string[]).includes(lower) ? lower : text.trim();
}

async function* jsonRows(file: string, { limits, onBytes }: RowOptions): AsyncGenerator<CatalogueRow> {
  let number = 0;
  try {
    for await (const line of linesOf(file, limits.rowCharacters, onBytes)) {
      number += 1;
      if (line.trim() !== "") yield jsonRow(line, number, limits);
    }
  } catch (cause) {
    throw readError(file, cause);
  }
  if (number === 0) throw new DatasetError(`${file}: the file is empty; ${nextStep}`);
}

/** Lines without their ends. @throws RangeError for a line that is too long. */
async function* linesOf(
  file: string,
  maxCharacters: number,
  onBytes: RowOptions["onBytes"],
): AsyncGenerator<string> {
  const decoder = new TextDecoder(); // leaves a byte order mark out
  let rest = "";
  let read = 0;
  let number = 0;
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    read += chunk.length;
    onBytes?.(read);
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      number += 1;
      if (line.length > maxCharacters) throw new RangeError(tooLong(number, maxCharacters));
      yield line;
    }
    if (rest.length > maxCharacters) throw new RangeError(tooLong(number + 1, maxCharacters));
  }
  rest += decoder.decode();
  if (rest !== "") yield rest;
}

function tooLong(row: number, maxCharacters: number): string {
  return `row ${row} has more than ${maxCharacters} characters`;
}

function jsonRow(line: string, number: number, limits: CatalogueLimits): CatalogueRow {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    return { number, problem: `is not JSON; got ${cause instanceof Error ? cause.message : cause}` };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { number, problem: "must be an object of columns and values" };
  }
  const fields = Object.entries(value);
  if (fields.length > limits.fields) {
    return { number, problem: `has ${fields.length} fields; at most ${limits.fields} are read` };
  }
  const cells = new Map<string, Cell>();
  for (const [name, field] of fields) {
    const column = columnName(name);
    const cell = cellOf(field);
    if (cell === undefined || column === "" || cells.has(column)) {
      const reason =
        cell === undefined ? "must be a text, a number, yes or no, or a list of texts" : "occurs twice";
      return { number, problem: `column ${column || '""'}: ${reason}` };
    }
    cells.set(column, cell);
  }
  return { number, cells };
}

/** Numbers as they are written, truth as yes and no, nothing as an empty text. */
function cellOf(value: unknown): Cell | undefined {
  if (value === null) return "";
  if (typeof value === "string") return value.trim();
  if (typeof value === "number") return String(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  return undefined;
}

function readError(file: string, cause: unknown): unknown {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "ENOENT") return new DatasetError(`${file}: there is no such file; ${nextStep}`, { cause });
  const isOfFile = cause instanceof CsvError || cause instanceof RangeError || typeof code === "string";
  if (!isOfFile || cause instanceof DatasetError) return cause;
  const reason = (cause instanceof Error ? cause.message : String(code)).replaceAll("\n", " ").slice(0, 300);
  return new DatasetError(`${file}: cannot be read to its end; got ${reason}; ${nextStep}`, { cause });
}
