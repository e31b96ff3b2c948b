/** Command line options as typed values, with every problem reported at once. */
import { z } from "zod";
import { UsageError } from "../../errors.js";

/**
 * The options of a command, checked.
 * @param fields schema by option name in camel case: `runDir` is `--run-dir`.
 * @param positional names among them that are given without a `--name`.
 * @throws UsageError that lists every option that is missing or wrong.
 */
export function readFlags<Shape extends z.ZodRawShape>(
  command: string,
  fields: Shape,
  given: Readonly<Record<string, unknown>>,
  positional: readonly string[] = [],
): z.output<z.ZodObject<Shape>> {
  const result = z.object(fields).safeParse(given);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => {
    const name = String(path[0]);
    const value = given[name];
    const shown = positional.includes(name) ? `<${name}>` : flagName(name);
    return value === undefined
      ? `${shown} is missing`
      : `${shown} ${message}; got ${Array.isArray(value) ? value.join(" ") : String(value)}`;
  });
  const [only = ""] = problems;
  throw new UsageError(
    problems.length === 1
      ? `sdfn ${command}: ${only}; see sdfn ${command} --help`
      : `sdfn ${command}: the options cannot be used:${problems.map((problem) => `\n  - ${problem}`).join("")}\nsee sdfn ${command} --help`,
  );
}

/** A text that is not empty. */
export const textFlag = z.string().min(1, "must not be empty");

/** An option without a value: there or not. */
export const switchFlag = z.boolean().default(false);

/** A whole number from `min` to `max`. */
export function wholeNumberFlag({ min, max }: { readonly min: number; readonly max: number }) {
  const message = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^-?\d+$/, message)
    .transform(Number)
    .refine((value) => value >= min && value <= max, message);
}

/** Any seed. */
export const seedFlag = wholeNumberFlag({ min: 0, max: 2 ** 31 - 1 });

/** One of `choices`. */
export function choiceFlag<const Choice extends string>(choices: readonly Choice[]) {
  return z.string().transform((value, context): Choice => {
    const found = choices.find((choice) => choice === value);
    if (found !== undefined) return found;
    context.addIssue({ code: "custom", message: `must be one of ${choices.join(", ")}` });
    return z.NEVER;
  });
}

/** `k` is `-k`, `runDir` is `--run-dir`. */
function flagName(name: string): string {
  if (name.length === 1) return `-${name}`;
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
