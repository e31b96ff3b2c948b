/** Records of a CSV file, each parsed alone, so that one with wrong quotes costs no other. */
import { CsvError } from "csv-parse";
import { parse } from "csv-parse/sync";
import { tooLong } from "./table-text.js";

/** A record and the line of the file on which it begins, from 1. */
export type CsvRecord =
  | { readonly line: number; readonly fields: readonly string[] }
  | { readonly line: number; readonly problem: string };

export interface CsvOptions {
  /** Lines of the file before the first of these. */
  readonly linesBefore: number;
  readonly delimiter: string;
  /** Of one record, line breaks inside quotes included. */
  readonly maxCharacters: number;
  /**
   * Can these lines be one record? Asked where a quoted field goes over several lines: where a closing quote is missing,
   * the next quote of the file ends the field, and whole rows lie in it.
   */
  readonly isOneRecord: (fields: readonly string[], lines: readonly string[]) => boolean;
}

type Line = string | typeof tooLong;

/**
 * Records in file order. A quote inside a field without quotes is taken as it is (5" heel). Where quotes cannot be
 * understood, the line is given as a problem, and reading continues at the next line.
 */
export async function* csvRecords(
  lines: AsyncIterable<Line>,
  options: CsvOptions,
): AsyncGenerator<CsvRecord> {
  const ahead = new LinesAhead(lines, options.linesBefore);
  for (;;) {
    const first = await ahead.at(0);
    const line = ahead.taken + 1;
    if (first === undefined) return;
    if (first === tooLong) {
      ahead.take(1);
      yield { line, problem: `line ${line} of the file has more than ${options.maxCharacters} characters` };
      continue;
    }
    const strict = parseRecord(first, options.delimiter);
    const whole = strict === "open" ? await untilClosed(first, ahead, options) : { fields: strict, lines: 1 };
    ahead.take(whole?.lines ?? 1);
    const fields = whole?.fields ?? "wrong";
    const found = typeof fields === "string" ? parseRecord(first, options.delimiter, true) : fields;
    if (typeof found !== "string") yield { line, fields: found };
    else yield { line, problem: quoteProblem(line) };
  }
}

function quoteProblem(line: number): string {
  return (
    `a quote in line ${line} of the file is not closed, or stands inside a field; ` +
    'put quotes around the whole field, and write "" for a quote in it'
  );
}

/** The record that begins with an open quote on the first line: lines up to the one that closes it. */
async function untilClosed(
  first: string,
  ahead: LinesAhead,
  { delimiter, maxCharacters, isOneRecord }: CsvOptions,
): Promise<{ readonly fields: readonly string[]; readonly lines: number } | undefined> {
  const lines = [first];
  let [characters, quotes] = [first.length, quotesIn(first)];
  // Every quote of a record has its other: nothing needs parsing before their number is even.
  while (quotes % 2 === 1) {
    const next = await ahead.at(lines.length);
    if (next === undefined || next === tooLong) return undefined;
    lines.push(next);
    characters += next.length + 1;
    quotes += quotesIn(next);
    if (characters > maxCharacters) return undefined;
  }
  const fields = parseRecord(lines.join("\n"), delimiter);
  if (typeof fields === "string" || !isOneRecord(fields, lines)) return undefined;
  return { fields, lines: lines.length };
}

function quotesIn(line: string): number {
  return line.split('"').length - 1;
}

/**
 * The fields of one record; "open" where its end is inside quotes, "wrong" where quotes stand where none may.
 * @param isRelaxed takes quotes inside unquoted fields as they are.
 */
export function parseRecord(
  text: string,
  delimiter: string,
  isRelaxed = false,
): readonly string[] | "open" | "wrong" {
  try {
    const records: string[][] = parse(text, {
      delimiter,
      record_delimiter: "\n",
      relax_column_count: true,
      relax_quotes: isRelaxed,
      trim: true,
    });
    return records.length > 1 ? "wrong" : (records[0] ?? [""]);
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return error.code === "CSV_QUOTE_NOT_CLOSED" ? "open" : "wrong";
  }
}

/** Lines that can be looked at before they are taken. */
class LinesAhead {
  readonly #lines: AsyncIterator<Line>;
  #waiting: Line[] = [];
  /** Of `#waiting`, those that were taken. */
  #start = 0;
  /** Lines of the file taken so far. */
  taken: number;

  constructor(lines: AsyncIterable<Line>, taken: number) {
    this.#lines = lines[Symbol.asyncIterator]();
    this.taken = taken;
  }

  /** The line `offset` lines on; undefined past the end. */
  async at(offset: number): Promise<Line | undefined> {
    while (this.#waiting.length - this.#start <= offset) {
      const next = await this.#lines.next();
      if (next.done) return undefined;
      this.#waiting.push(next.value);
    }
    return this.#waiting[this.#start + offset];
  }

  take(count: number): void {
    this.taken += count;
    this.#start += count;
    if (this.#start <= this.#waiting.length / 2) return;
    this.#waiting = this.#waiting.slice(this.#start);
    this.#start = 0;
  }
}
