/** Rows of a CSV file: which character divides its fields, its header, and the cells under it. */
import { DatasetError } from "../errors.js";
import { type CatalogueLimits, type CatalogueRow, nextStep, type RowOptions } from "./catalogue-row.js";
import { csvRecords, parseRecord } from "./csv-records.js";
import { shortened } from "./normal-text.js";
import { columnName, guesses, isIgnored, neededColumns } from "./table-columns.js";
import { linesOf, textFormatOf } from "./table-text.js";

/** @throws DatasetError when the header is missing or cannot be used. */
export async function* csvRows(
  file: string,
  { limits, onBytes, ignoredColumns }: RowOptions,
): AsyncGenerator<CatalogueRow> {
  const format = await textFormatOf(file);
  const { delimiter, isNamed } = delimiterOf(format.head.split(format.lineEnd, 1)[0] ?? "");
  const lines = linesOf(file, format, { maxCharacters: limits.rowCharacters, onBytes });
  if (isNamed) await lines.next(); // the line "sep=;" is no row
  let columns: readonly string[] | undefined;
  let used: readonly boolean[] = [];
  const isOneRecord = (fields: readonly string[], parts: readonly string[]) =>
    columns === undefined || isOneRow({ columns, fields, parts, delimiter });
  const records = csvRecords(lines, {
    linesBefore: isNamed ? 1 : 0,
    delimiter,
    maxCharacters: limits.rowCharacters,
    isOneRecord,
  });
  let number = 0;
  for await (const record of records) {
    number += 1;
    if (columns === undefined) {
      if ("problem" in record)
        throw new DatasetError(`${file}: the header cannot be read; ${record.problem}`);
      columns = checkedHeader(file, record.fields, { limits, ignoredColumns });
      used = columns.map((column) => !isIgnored(column, ignoredColumns));
    } else if ("problem" in record) yield { number, problem: record.problem };
    else if (record.fields.length !== columns.length) {
      if (record.fields.every((cell) => cell === "")) continue; // spreadsheets end in such rows
      const problem = `has ${record.fields.length} fields where the header has ${columns.length}; check quotes and commas`;
      yield { number, problem };
    } else if (record.fields.some((cell) => cell !== "")) {
      const cells = columns.map((column, i) => [column, record.fields[i] ?? ""] as const);
      // Spreadsheets end rows in empty columns without a name.
      const named = cells.filter(([column, cell], i) => used[i] && (column !== "" || cell !== ""));
      yield { number, cells: new Map(named) };
    }
  }
  if (columns === undefined) throw new DatasetError(`${file}: the file is empty; ${nextStep}`);
}

/** Spreadsheets say the delimiter in a first line "sep=;"; else it is the one that the header has most of. */
function delimiterOf(firstLine: string): { readonly delimiter: string; readonly isNamed: boolean } {
  const named = /^\uFEFF?"?sep=(.)"?\s*$/iu.exec(firstLine)?.[1];
  if (named !== undefined) return { delimiter: named, isNamed: true };
  const outsideQuotes = firstLine.replace(/"[^"]*"/g, "");
  const [most] = [",", ";", "\t"]
    .map((delimiter) => ({ delimiter, count: outsideQuotes.split(delimiter).length }))
    .sort((a, b) => b.count - a.count);
  return { delimiter: most?.delimiter ?? ",", isNamed: false };
}

/**
 * Is a record of several lines one row? A missing quote swallows rows up to the next quote: a line that is a row when it is
 * taken alone tells. A record with too many or too few fields is one row with that problem.
 */
function isOneRow({
  columns,
  fields,
  parts,
  delimiter,
}: {
  readonly columns: readonly string[];
  readonly fields: readonly string[];
  readonly parts: readonly string[];
  readonly delimiter: string;
}): boolean {
  const [id, image] = [columns.indexOf("id"), columns.indexOf("image")];
  const isItem = (cells: readonly string[]) =>
    cells.length >= columns.length &&
    /^\S+$/.test(cells[id]?.trim() ?? "") &&
    /^$|^https?:\/\/|\.(?:jpe?g|png|webp|gif|avif|heic|tiff?|bmp)$/i.test(cells[image]?.trim() ?? "");
  const isRow = (line: string) => {
    const cells = parseRecord(line, delimiter);
    return typeof cells !== "string" && cells.length === columns.length && isItem(cells);
  };
  if (parts.slice(1, -1).some(isRow)) return false;
  // Where the first column has several lines, the last of them looks like a row as it should.
  if (fields[0]?.includes("\n")) return true;
  return !isItem((parts.at(-1) ?? "").replaceAll('"', "").split(delimiter));
}

/** Column names in their normal form. @throws DatasetError that lists everything wrong. */
function checkedHeader(
  file: string,
  fields: readonly string[],
  { limits, ignoredColumns }: Pick<RowOptions, "ignoredColumns"> & { readonly limits: CatalogueLimits },
): readonly string[] {
  const columns = fields.map(columnName);
  const used = columns.filter((column) => !isIgnored(column, ignoredColumns));
  const problems: string[] = [];
  if (columns.length > limits.fields) {
    problems.push(`at most ${limits.fields} columns are read; got ${columns.length}`);
  }
  for (const column of new Set(used.filter((name, i) => name !== "" && used.indexOf(name) !== i))) {
    problems.push(`column ${shown(column)} occurs more than once`);
  }
  for (const column of neededColumns) {
    if (!columns.includes(column)) problems.push(`column ${column} is missing`);
  }
  if (problems.length === 0) return columns;
  const found = guesses(columns);
  const hint = found.length === 0 ? nextStep : `${shown(found.join(", "))}: rename the columns; ${nextStep}`;
  throw new DatasetError(
    `${file}: row 1, the header, cannot be used:${problems.map((problem) => `\n  - ${problem}`).join("")}\n` +
      `got ${shown(columns.join(", "))}; ${hint}`,
  );
}

/** Names may be anything, and end up on terminals. */
function shown(text: string): string {
  return shortened(text.replace(/\p{Cc}/gu, "?"), 200);
}
