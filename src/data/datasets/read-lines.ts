/** Reads annotation files of one entry a line; errors name the file and the line. */
import { readFileSync } from "node:fs";
import { DatasetError } from "../../errors.js";
import { isErrno } from "../../files/errno.js";

/** Problems listed in one message; a wrong file has thousands. */
const listedProblemCount = 5;

/** What is wrong with a line: "must be an image path". */
export class LineProblem {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/**
 * What `parse` makes of each line of a text file that is not blank. Lines are counted from 1.
 * @param nextStep what the user can do when the file is missing or wrong.
 * @throws DatasetError when the file cannot be read, or `parse` gives a LineProblem.
 */
export function readLines<T>(
  file: string,
  parse: (line: string) => T | LineProblem,
  nextStep: string,
): Exclude<T, LineProblem>[] {
  const entries: Exclude<T, LineProblem>[] = [];
  const problems: string[] = [];
  for (const [index, line] of textOf(file, nextStep).split(/\r?\n/).entries()) {
    if (line.trim() === "") continue;
    const entry = parse(line);
    if (entry instanceof LineProblem) {
      const got = line.length > 80 ? `${line.slice(0, 77)}...` : line;
      problems.push(`line ${index + 1}: ${entry.message}; got ${JSON.stringify(got)}`);
    } else entries.push(entry as Exclude<T, LineProblem>);
  }
  if (problems.length === 0) return entries;
  const listed = problems.slice(0, listedProblemCount);
  if (problems.length > listed.length) listed.push(`and ${problems.length - listed.length} more`);
  const list = listed.length === 1 ? ` ${listed[0]}` : listed.map((problem) => `\n  - ${problem}`).join("");
  throw new DatasetError(`${file}:${list}; ${nextStep}`);
}

function textOf(file: string, nextStep: string): string {
  try {
    return readFileSync(file, "utf8").replace(/^\uFEFF/, "");
  } catch (cause) {
    const problem = isErrno(cause, "ENOENT") ? "file is missing" : `cannot be read; got ${cause}`;
    throw new DatasetError(`${file}: ${problem}; ${nextStep}`, { cause });
  }
}
