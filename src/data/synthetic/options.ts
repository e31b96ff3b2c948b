/** What can be chosen about a synthetic catalogue, with defaults and limits. */
import { z } from "zod";
import { UsageError } from "../../errors.js";

const schema = z.strictObject({
  /** The same seed and options give the same files, byte for byte. */
  seed: z.int().min(0).max(2_147_483_647).default(1),
  /** Train pictures per category; `splitCounts` derives the other splits from it. */
  itemsPerCategory: z.int().min(20).max(5000).default(3000),
  /** Train triplets of the three categories together. */
  triplets: z.int().min(30).max(100_000).default(13_200),
  /** Width and height of the pictures. */
  sizePx: z.int().min(32).max(1024).default(80),
});

export type SyntheticOptions = z.output<typeof schema>;
export type SyntheticOptionName = keyof SyntheticOptions;

/**
 * Fills in defaults. `nameOf` says what the user calls an option, for the message.
 * @throws UsageError that lists every option that is wrong.
 */
export function syntheticOptions(
  given: Readonly<Partial<Record<SyntheticOptionName, unknown>>> = {},
  nameOf: Readonly<Partial<Record<string, string>>> = {},
): SyntheticOptions {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const values: Readonly<Record<string, unknown>> = given;
  const lines = result.error.issues.map(({ path, message }) => {
    const name = path.join(".");
    const got = name ? `; got ${String(values[name])}` : "";
    return `\n  - ${nameOf[name] ?? name}: ${message}${got}`;
  });
  throw new UsageError(`synthetic catalogue: options cannot be used:${lines.join("")}`);
}
