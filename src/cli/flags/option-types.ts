/** Types of options: schemas of the text that stands on the command line. */
import { z } from "zod";

/** A text that is not empty. */
export const text = z.string().min(1, "must not be empty");

/** An option without a value: given or not. */
export const onOff = z.boolean().default(false);

/** A whole number from `min` to `max`. */
export function wholeNumber({ min, max }: { readonly min: number; readonly max: number }) {
  const message = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^-?\d+$/, message)
    .transform(Number)
    .refine((value) => value >= min && value <= max, message);
}

/** Any seed. */
export const seed = wholeNumber({ min: 0, max: 2 ** 31 - 1 });

/** One of `choices`, which the help lists. */
export function choice<const Choice extends string>(choices: readonly Choice[]) {
  return z.enum(choices, `must be one of ${choices.join(", ")}`);
}

/** Several values, none when the option is not given. */
export function list<Type extends z.ZodType>(type: Type) {
  return z.array(type).default([]);
}

/** Configuration fields: `epochs=3 batchSize=16`. */
export const assignments = list(z.string().regex(/^[^=\s]+=/, "must be FIELD=VALUE"));
