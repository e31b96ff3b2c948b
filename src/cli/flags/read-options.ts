/** What was given on the command line as typed values, with every problem reported at once. */
import { z } from "zod";
import { UsageError } from "../../errors.js";
import { flagOf, nameOf, type Option, type OptionTable, optionsOf, type Values } from "./option.js";

/** A command line before it is checked. */
export interface Given {
  /** As users call it: "sdfn data check". */
  readonly command: string;
  /** Text, list of texts or true by name; nothing for what was not given. */
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * The values of a table's options.
 * @param others what is said of given options that are not in the table, as the command has for other uses of it.
 * @throws UsageError that lists every option that is missing, wrong, or wrong beside another.
 */
export function readOptions<Table extends OptionTable>(
  { command, values }: Given,
  table: Table,
  others = "cannot be given here",
): Values<Table> {
  const options = optionsOf(table);
  const schemas = Object.fromEntries(options.map(({ name, schema }) => [name, schema]));
  const result = z.object(schemas).safeParse(values);
  const problems = [
    ...(result.success ? [] : result.error.issues.map((issue) => describe(issue, options, values))),
    ...options.flatMap((option) => brokenRules(option, values)),
    ...notInTable(options, values).map((flags) => `${flags} ${others}`),
  ];
  // The schema was made of the table, entry by entry.
  if (result.success && problems.length === 0) return result.data as Values<Table>;
  const [only = ""] = problems;
  throw new UsageError(
    problems.length === 1
      ? `${command}: ${only}; see ${command} --help`
      : `${command}: the options cannot be used:${problems.map((problem) => `\n  - ${problem}`).join("")}\nsee ${command} --help`,
  );
}

function describe(
  { path, message }: z.core.$ZodIssue,
  options: readonly Option[],
  values: Given["values"],
): string {
  const option = options.find(({ name }) => name === path[0]);
  const value = option && values[option.name];
  const flag = option && flagOf(option);
  return value === undefined
    ? `${flag} is missing`
    : `${flag} ${message}; got ${Array.isArray(value) ? value.join(" ") : String(value)}`;
}

function brokenRules(option: Option, values: Given["values"]): readonly string[] {
  const { needs, excludes } = option.settings;
  const isGiven = (flag: string) => values[nameOf(flag)] !== undefined;
  if (!isGiven(option.flags)) return [];
  return [
    ...(needs !== undefined && !isGiven(needs) ? [`${flagOf(option)} goes with ${needs}`] : []),
    ...(excludes !== undefined && isGiven(excludes)
      ? [`${flagOf(option)} and ${excludes} cannot be given together`]
      : []),
  ];
}

/** Flags of what was given and is not in the table: one text, or none. */
function notInTable(options: readonly Option[], values: Given["values"]): readonly string[] {
  const flags = Object.keys(values)
    .filter((name) => values[name] !== undefined && options.every((option) => option.name !== name))
    .map((name) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
  return flags.length === 0 ? [] : [flags.join(", ")];
}
