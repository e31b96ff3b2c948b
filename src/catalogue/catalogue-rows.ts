/** The rows of a catalogue's file as they stand in it, CSV or JSON, streamed. */
import { extname } from "node:path";
import { DatasetError } from "../errors.js";
import { codeOf } from "../files/errno.js";
import { type CatalogueRow, nextStep, type RowOptions } from "./catalogue-row.js";
import { csvRows } from "./csv-rows.js";
import { jsonRows } from "./json-rows.js";

/**
 * Rows in file order, empty ones left out. Rows are numbered as a spreadsheet does: the header of a CSV file is row 1,
 * and so is the first line of a file of JSON lines, or the first object of an array.
 * @throws DatasetError when the file cannot be read on: it is missing, or its header is wrong.
 */
export async function* catalogueRows(file: string, options: RowOptions): AsyncGenerator<CatalogueRow> {
  const ending = extname(file).toLowerCase();
  const read = [".csv", ".tsv"].includes(ending)
    ? csvRows
    : [".jsonl", ".ndjson", ".json"].includes(ending)
      ? jsonRows
      : undefined;
  if (read === undefined) {
    throw new DatasetError(
      `${file}: a catalogue's name must end in .csv, .tsv, .jsonl or .json; got ${ending || "no ending"}; ${nextStep}`,
    );
  }
  try {
    yield* read(file, options);
  } catch (cause) {
    throw readError(file, cause);
  }
}

function readError(file: string, cause: unknown): unknown {
  const code = codeOf(cause);
  if (code === undefined) return cause;
  if (code === "ENOENT") return new DatasetError(`${file}: there is no such file; ${nextStep}`, { cause });
  return new DatasetError(`${file}: cannot be read to its end; got ${code}; ${nextStep}`, { cause });
}
