/** Reads JSON files against a schema; what is wrong is told apart, and the caller says what to make of it. */
import { readFileSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { DatasetError } from "../errors.js";
import { isErrno } from "./errno.js";

/** Why a file gives no value. */
export interface JsonFault {
  readonly kind: "missing" | "unreadable" | "not JSON" | "not of the schema";
  /** For messages: the system's or the parser's words, or the list of problems. */
  readonly got: string;
  readonly cause: unknown;
}

/** Throws an error of the caller's class with a next step, or gives what stands for the value. */
export type OnFault<U> = (fault: JsonFault) => U;

/** The checked value of a file. A byte order mark at its beginning is passed over. */
export async function readJson<T, U>(
  file: string,
  schema: z.ZodType<T>,
  onFault: OnFault<U>,
): Promise<T | U> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    return onFault(readFault(cause));
  }
  return parseJson(text, schema, onFault);
}

/** What a file from elsewhere may cost. */
export interface JsonLimit {
  /** Longer files are "unreadable", and nothing of them is read. */
  readonly maxBytes?: number;
}

/** As `readJson`. */
export function readJsonSync<T, U>(
  file: string,
  schema: z.ZodType<T>,
  onFault: OnFault<U>,
  { maxBytes }: JsonLimit = {},
): T | U {
  let text: string;
  try {
    const sizeBytes = maxBytes === undefined ? 0 : statSync(file).size;
    if (sizeBytes > (maxBytes ?? 0)) {
      const got = `${sizeBytes} bytes, at most ${maxBytes} are read`;
      return onFault({ kind: "unreadable", got, cause: undefined });
    }
    text = readFileSync(file, "utf8");
  } catch (cause) {
    return onFault(readFault(cause));
  }
  return parseJson(text, schema, onFault);
}

/** The checked value of a value that was parsed before. */
export function checkJson<T, U>(value: unknown, schema: z.ZodType<T>, onFault: OnFault<U>): T | U {
  const { success, data, error } = schema.safeParse(value);
  return success ? data : onFault({ kind: "not of the schema", got: z.prettifyError(error), cause: error });
}

function parseJson<T, U>(text: string, schema: z.ZodType<T>, onFault: OnFault<U>): T | U {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (cause) {
    return onFault({ kind: "not JSON", got: String(cause), cause });
  }
  return checkJson(value, schema, onFault);
}

function readFault(cause: unknown): JsonFault {
  const kind = isErrno(cause, "ENOENT", "ENOTDIR") ? "missing" : "unreadable";
  return { kind, got: String(cause), cause };
}

/** Problems listed in one message; a wrong file has thousands. */
const listedProblemCount = 5;

/**
 * The entries of a JSON file that holds one array. Entries are counted from 0 in messages.
 * @param nextStep what the user can do when the file is missing or wrong.
 * @throws DatasetError when the file is missing, not JSON, or an entry does not fit `entry`.
 */
export function readJsonArray<T>(file: string, entry: z.ZodType<T>, nextStep: string): T[] {
  return readJsonFile(file, z.array(entry), nextStep);
}

/**
 * The checked value of a JSON file. Messages name entries of arrays by their numbers from 0, and fields by their names.
 * @param nextStep what the user can do when the file is missing or wrong.
 * @throws DatasetError when the file is missing, not JSON, or does not fit `schema`.
 */
export function readJsonFile<T>(file: string, schema: z.ZodType<T>, nextStep: string): T {
  const value = readJsonSync(file, z.unknown(), ({ kind, got, cause }) => {
    const reason =
      kind === "missing"
        ? "file is missing"
        : `${kind === "unreadable" ? "cannot be read" : "not valid JSON"}; got ${got}`;
    throw new DatasetError(`${file}: ${reason}; ${nextStep}`, { cause });
  });
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { issues } = result.error;
  const problems = issues.slice(0, listedProblemCount).map((issue) => describe(issue, value));
  if (issues.length > problems.length) problems.push(`and ${issues.length - problems.length} more`);
  const [only] = problems;
  const list = problems.length === 1 ? ` ${only}` : problems.map((problem) => `\n  - ${problem}`).join("");
  throw new DatasetError(`${file}:${list}; ${nextStep}`);
}

/** `entry 17: "captions" must be two strings; got ["is red"]`; `"images.3.id" must be a number; got "x"`. */
function describe({ path, message }: z.core.$ZodIssue, root: unknown): string {
  const [first] = path;
  const entry = typeof first === "number" ? `entry ${first}: ` : "";
  const fields = (entry === "" ? path : path.slice(1)).map(String).join(".");
  return `${entry}${fields === "" ? "" : `"${fields}" `}${message}; got ${shorten(path.reduce(memberOf, root))}`;
}

function memberOf(value: unknown, key: PropertyKey): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

function shorten(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
