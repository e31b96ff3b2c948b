/** What an item may hold: the one set of rules for rows of tables and for writes over HTTP. */
import { z } from "zod";
import { hasUpTo, normalName, normalText } from "./normal-text.js";
import {
  characters,
  noneOf,
  notEmpty,
  onlyInLongTexts,
  upToCharacters,
  wellFormedPattern,
} from "./text-patterns.js";

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

export const wellFormedSchema = z
  .string()
  .regex(wellFormedPattern, "must have no half characters (surrogates without their other half)");

/** In its normal form. Every rule after it is a pattern, so that the OpenAPI document has it. */
export const textSchema = wellFormedSchema.overwrite(normalText);

const text = textSchema.regex(
  /^[^\uFFFD]*$/u,
  "must be text in UTF-8; this may be Latin-1 (Windows-1252): save the table as UTF-8",
);
export const emptyRule = "must not be empty";

/** An id can be a file name: no slash, no leading dot, no control character. */
export const idSchema = text
  .regex(notEmpty, emptyRule)
  .regex(
    upToCharacters(itemLimits.idCharacters, characters.ofId, { notFirst: "\\." }),
    `must be at most ${itemLimits.idCharacters} characters without slashes, control characters or a leading dot`,
  );

export const categorySchema = text
  .regex(notEmpty, emptyRule)
  .regex(
    upToCharacters(itemLimits.categoryCharacters, characters.onOneLine),
    `must be at most ${itemLimits.categoryCharacters} characters on one line`,
  );

const noControl = "without control characters besides line breaks and tabs";
export const titleSchema = text.regex(
  upToCharacters(itemLimits.titleCharacters, characters.onLines),
  `must be at most ${itemLimits.titleCharacters} characters, ${noControl}`,
);

/** In the shop's currency, in whole cents: sums of floats such as 30.000000000000004 are 30. */
export const priceSchema = z.number().min(0).max(itemLimits.price).overwrite(roundToCents);

function roundToCents(price: number): number {
  return Number(price.toFixed(2)) + 0; // -0 becomes 0
}

const nameSpace = String.raw`[\s\x85]`;
export const attributeNameSchema = z
  .string()
  .overwrite(normalName)
  .regex(/[^\s\x85]/u, "must have a name")
  .regex(
    upToCharacters(itemLimits.nameCharacters, characters.ofName, { space: nameSpace }),
    `its name must be at most ${itemLimits.nameCharacters} characters, without control characters`,
  )
  .regex(/^[^\p{Surrogate}\uFFFD]*$/u, "its name must be text in UTF-8")
  .regex(noneOf(reservedColumns, nameSpace), "is no attribute")
  // No object of JavaScript keeps it, so no answer could show it.
  .regex(
    new RegExp(`^(?!${nameSpace}*__proto__${nameSpace}*$)`, "u"),
    "cannot be the name of an attribute; rename it",
  );

const valueSchema = text
  .regex(
    upToCharacters(itemLimits.valueCharacters, characters.onLines),
    `must be values of at most ${itemLimits.valueCharacters} characters, ${noControl}`,
  )
  .regex(
    onlyInLongTexts(valueSeparator, itemLimits.filterCharacters),
    `must have no ${valueSeparator} inside a value`,
  );

/** Each value once, in the given order; empty ones left out. */
export const attributeValuesSchema = z
  .array(valueSchema)
  .max(itemLimits.values, `must be at most ${itemLimits.values} values`)
  .overwrite((values) => [...new Set(values.filter((value) => value !== ""))]);

/** Is a value short enough to be chosen among others? Long or many-lined text is shown, and is in no filter. */
export function isFilterable(value: string): boolean {
  return hasUpTo(itemLimits.filterCharacters, value) && !value.includes("\n");
}
