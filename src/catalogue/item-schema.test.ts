/** The rules of an item count characters as a reader does. */
import { expect, it } from "vitest";
import {
  attributeNameSchema,
  attributeValuesSchema,
  categorySchema,
  idSchema,
  isFilterable,
  itemLimits,
  titleSchema,
} from "./item-schema.js";

const dress = "\u{1F457}"; // two units of UTF-16

it.each([
  ["an id", idSchema, itemLimits.idCharacters],
  ["a category", categorySchema, itemLimits.categoryCharacters],
  ["a title", titleSchema, itemLimits.titleCharacters],
  ["an attribute's name", attributeNameSchema, itemLimits.nameCharacters],
  ["a value", attributeValuesSchema.element, itemLimits.valueCharacters],
])("%s has its most characters, each one counted once, without the white space around", (_, schema, most) => {
  for (const character of ["a", dress, "u\u0308"]) {
    const longest = character.repeat(most);
    expect(schema.parse(`\r\n\t ${longest} \n`)).toBe(longest.normalize("NFC"));
    expect(schema.safeParse(longest + character).success).toBe(false);
  }
});

it("values of the most characters that a filter compares are in filters", () => {
  expect(isFilterable(dress.repeat(itemLimits.filterCharacters))).toBe(true);
  expect(isFilterable(dress.repeat(itemLimits.filterCharacters + 1))).toBe(false);
});
