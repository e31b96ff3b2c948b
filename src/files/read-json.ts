/** Reads annotation files against a schema; errors name the file and the entry. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { DatasetError } from "../errors.js";
import { isErrno } from "./errno.js";

/** Problems listed in one message; a wrong file has thousands. */
const listedProblemCount = 5;

/**
 * The entries of a JSON file that holds one array. Entries are counted from 0 in messages.
 * @param nextStep what the user can do when the file is missing or wrong.
 * @throws DatasetError when the file is missing, not JSON, or an entry does not fit `entry`.
 */
export function readJsonArray<T>(file: string, entry: z.ZodType<T>, nextStep: string): T[] {
  const value = parse(file, nextStep);
  const result = z.array(entry).safeParse(value);
  if (result.success) return result.data;
  const { issues } = result.error;
  const problems = issues.slice(0, listedProblemCount).map((issue) => describe(issue, value));
  if (issues.length > problems.length) problems.push(`and ${issues.length - problems.length} more`);
  const [only] = problems;
  const list = problems.length === 1 ? ` ${only}` : problems.map((problem) => `\n  - ${problem}`).join("");
  throw new DatasetError(`${file}:${list}; ${nextStep}`);
}

function parse(file: string, nextStep: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    const isMissing = isErrno(cause, "ENOENT");
    throw new DatasetError(
      `${file}: ${isMissing ? "file is missing" : `cannot be read; got ${cause}`}; ${nextStep}`,
      {
        cause,
      },
    );
  }
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (cause) {
    throw new DatasetError(`${file}: not valid JSON; got ${cause}; ${nextStep}`, { cause });
  }
}

/** `entry 17: "captions" must be two strings; got ["is red"]`. */
function describe({ path, message }: z.core.$ZodIssue, root: unknown): string {
  const [index, ...fields] = path.map(String);
  const got = shorten(path.reduce(memberOf, root));
  if (index === undefined) return `${message}; got ${got}`;
  const field = fields.length > 0 ? `"${fields.join(".")}" ` : "";
  return `entry ${index}: ${field}${message}; got ${got}`;
}

function memberOf(value: unknown, key: PropertyKey): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

function shorten(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
