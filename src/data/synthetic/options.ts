/** What can be chosen about a synthetic catalogue, with defaults and limits. */
import { z } from "zod";
import { UsageError } from "../../errors.js";

/** Whole numbers that each option may be, and the one that it is by default. */
export const syntheticLimits = {
  /** The same seed and options give the same files, byte for byte. */
  seed: { min: 0, max: 2_147_483_647, default: 1 },
  /** Train pictures per category; `splitCounts` derives the other splits from it. */
  itemsPerCategory: { min: 20, max: 5000, default: 3000 },
  /** Train triplets of the three categories together. */
  triplets: { min: 30, max: 100_000, default: 15_000 },
  /** Width and height of the pictures. */
  sizePx: { min: 32, max: 1024, default: 80 },
} as const;

const schema = z.strictObject({
  seed: fieldOf(syntheticLimits.seed),
  itemsPerCategory: fieldOf(syntheticLimits.itemsPerCategory),
  triplets: fieldOf(syntheticLimits.triplets),
  sizePx: fieldOf(syntheticLimits.sizePx),
});

export type SyntheticOptions = z.output<typeof schema>;
export type SyntheticOptionName = keyof typeof syntheticLimits;

/** Fills in defaults. @throws UsageError that lists every option that is wrong. */
export function syntheticOptions(
  given: Readonly<Partial<Record<SyntheticOptionName, unknown>>> = {},
): SyntheticOptions {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const values: Readonly<Record<string, unknown>> = given;
  const lines = result.error.issues.map(({ path, message }) => {
    const name = path.join(".");
    const got = name ? `; got ${String(values[name])}` : "";
    return `\n  - ${name}: ${message}${got}`;
  });
  throw new UsageError(`synthetic catalogue: options cannot be used:${lines.join("")}`);
}

function fieldOf({ min, max, default: value }: (typeof syntheticLimits)[SyntheticOptionName]) {
  return z.int().min(min).max(max).default(value);
}
