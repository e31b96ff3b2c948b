/** What an item may hold: the one set of rules for rows of tables and for writes over HTTP. */
import { z } from "zod";
import { isWellFormed, normalName, normalText } from "./normal-text.js";

/** Columns with a meaning of their own; every other column is an attribute. */
export const reservedColumns = ["id", "image", "category", "title", "price"] as const;

/** Stands between the values of a cell. */
export const valueSeparator = "|";

export const itemLimits = {
  idCharacters: 200,
  categoryCharacters: 100,
  titleCharacters: 5000,
  imageCharacters: 2000,
  /** Of an attribute's name. */
  nameCharacters: 256,
  /** Of one value. */
  valueCharacters: 20_000,
  /** Longer values are kept as text, and are in no filter. */
  filterCharacters: 256,
  /** Of one attribute. */
  values: 1000,
  price: 1e12,
} as const;

const text = z
  .string()
  .overwrite(normalText)
  .refine(isWellFormed, "must have no half characters (surrogates without their other half)")
  .refine(
    (value) => !value.includes("\uFFFD"),
    "must be text in UTF-8; this may be Latin-1 (Windows-1252): save the table as UTF-8",
  );
const empty = "must not be empty";
const onOneLine = /^\P{Cc}*$/u;
const onLines = /^(?:\P{Cc}|[\n\t])*$/u;

const idRule = `must be at most ${itemLimits.idCharacters} characters without slashes, control characters or a leading dot`;
/** An id can be a file name: no slash, no leading dot, no control character. */
export const idSchema = text
  .min(1, empty)
  .max(itemLimits.idCharacters, idRule)
  .regex(/^(?!\.)[^\p{Cc}/\\]*$/u, idRule);

const categoryRule = `must be at most ${itemLimits.categoryCharacters} characters on one line`;
export const categorySchema = text
  .min(1, empty)
  .max(itemLimits.categoryCharacters, categoryRule)
  .regex(onOneLine, categoryRule);

const noControl = "must have no control characters besides line breaks and tabs";
export const titleSchema = text
  .max(itemLimits.titleCharacters, `must be at most ${itemLimits.titleCharacters} characters`)
  .regex(onLines, noControl);

/** In the shop's currency, in whole cents: sums of floats such as 30.000000000000004 are 30. */
export const priceSchema = z.number().min(0).max(itemLimits.price).overwrite(roundToCents);

function roundToCents(price: number): number {
  return Number(price.toFixed(2)) + 0; // -0 becomes 0
}

export const attributeNameSchema = z
  .string()
  .overwrite(normalName)
  .min(1, "must have a name")
  .max(itemLimits.nameCharacters, `its name must be at most ${itemLimits.nameCharacters} characters`)
  .regex(onOneLine, "its name must have no control characters")
  .refine((name) => isWellFormed(name) && !name.includes("\uFFFD"), "its name must be text in UTF-8")
  .refine((name) => !reservedColumns.some((column) => column === name.toLowerCase()), "is no attribute")
  // No object of JavaScript keeps it, so no answer could show it.
  .refine((name) => name !== "__proto__", "cannot be the name of an attribute; rename it");

const valueSchema = text
  .max(itemLimits.valueCharacters, `must be values of at most ${itemLimits.valueCharacters} characters`)
  .regex(onLines, noControl)
  .refine(
    (value) => !isFilterable(value) || !value.includes(valueSeparator),
    `must have no ${valueSeparator} inside a value`,
  );

/** Each value once, in the given order; empty ones left out. */
export const attributeValuesSchema = z
  .array(valueSchema)
  .max(itemLimits.values, `must be at most ${itemLimits.values} values`)
  .overwrite((values) => [...new Set(values.filter((value) => value !== ""))]);

/** Is a value short enough to be chosen among others? Long or many-lined text is shown, and is in no filter. */
export function isFilterable(value: string): boolean {
  return value.length <= itemLimits.filterCharacters && !value.includes("\n");
}
