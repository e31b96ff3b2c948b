/** Checks configurations and reports everything that is wrong with one at once. */
import type { z } from "zod";
import { ConfigError } from "../errors.js";

/** What is wrong with the values of fields that are right one by one; fields that are not are left out. */
export type CombinationRules<Config> = (config: Partial<Config>) => readonly string[];

/**
 * The configuration with defaults filled in.
 * @param where what is configured, for the message.
 * @throws ConfigError that lists every problem: unknown keys, wrong values, refused combinations.
 */
export function parseConfig<Shape extends z.ZodRawShape>(
  where: string,
  schema: z.ZodObject<Shape>,
  given: unknown,
  refusedCombinations: CombinationRules<z.output<z.ZodObject<Shape>>> = () => [],
): z.output<z.ZodObject<Shape>> {
  const result = schema.safeParse(given);
  const issues = result.success ? [] : result.error.issues.flatMap((issue) => describe(issue, given, schema));
  const problems = [...issues, ...refusedCombinations(validFields(schema, given))];
  if (!result.success || problems.length > 0) {
    throw new ConfigError(
      `${where}: the configuration is wrong:\n${problems.map((p) => `  - ${p}`).join("\n")}`,
    );
  }
  return result.data;
}

function describe(issue: z.core.$ZodIssue, given: unknown, schema: z.ZodObject): string[] {
  if (issue.code === "unrecognized_keys") {
    const known = Object.keys(schema.shape).join(", ");
    return issue.keys.map((key) => `unknown field "${key}"; known are ${known}`);
  }
  if (issue.path.length === 0) return [`must be an object; got ${JSON.stringify(given) ?? typeof given}`];
  const value = issue.path.reduce<unknown>(
    (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
    given,
  );
  return [`${issue.path.join(".")}: ${issue.message}; got ${JSON.stringify(value) ?? typeof value}`];
}

/** The fields that are right by themselves, defaults included. */
function validFields<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  given: unknown,
): Partial<z.output<z.ZodObject<Shape>>> {
  const fields: [string, z.core.$ZodType][] = Object.entries(schema.shape);
  const valid = fields.flatMap(([name, field]) => {
    const value = typeof given === "object" && given !== null ? Reflect.get(given, name) : undefined;
    const result = (field as z.ZodType).safeParse(value);
    return result.success ? [[name, result.data]] : [];
  });
  return Object.fromEntries(valid);
}
