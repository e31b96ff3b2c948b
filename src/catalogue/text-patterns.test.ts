/** Patterns say of a text as it is given what is true of its normal form. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normalName, normalText } from "./normal-text.js";
import { characters, noneOf, onlyInLongTexts, upToCharacters } from "./text-patterns.js";

const parts = ["a", "\u{1F457}", ".", "|", "/", " ", "\t", "\n", "\r\n", "\r", "\u0007", "\u0085", "\u2028"];
const text = fc.array(fc.constantFrom(...parts), { maxLength: 9 }).map((some) => some.join(""));
const runs = { numRuns: 3000, seed: 20_261_128 };
const nameSpace = String.raw`[\s\x85]`;

interface Rule {
  readonly pattern: RegExp;
  /** The same, of a text in its normal form. */
  readonly holds: (normal: string) => boolean;
  readonly normal?: (given: string) => string;
}
const isShort = (normal: string) => [...normal].length <= 4;
const rules: Readonly<Record<string, Rule>> = {
  "of any characters": { pattern: upToCharacters(4, characters.any), holds: isShort },
  "on one line": {
    pattern: upToCharacters(4, characters.onOneLine),
    holds: (normal) => isShort(normal) && !/\p{Cc}/u.test(normal),
  },
  "on lines": {
    pattern: upToCharacters(4, characters.onLines),
    holds: (normal) => isShort(normal) && !/[^\P{Cc}\n\t]/u.test(normal),
  },
  "of ids": {
    pattern: upToCharacters(4, characters.ofId, { notFirst: "\\." }),
    holds: (normal) => isShort(normal) && !/^\.|[\p{Cc}/\\]/u.test(normal),
  },
  "with a bar at most in long ones": {
    pattern: onlyInLongTexts("|", 4),
    holds: (normal) => !normal.includes("|") || normal.includes("\n") || !isShort(normal),
  },
  "that are not the word": {
    pattern: noneOf(["a"], nameSpace),
    holds: (normal) => normal.toLowerCase() !== "a",
    normal: normalName,
  },
};

describe.each(Object.entries(rules))("texts %s", (_, { pattern, holds, normal = normalText }) => {
  it("fit as their normal form does", () => {
    const taken = { fit: 0, other: 0 };
    fc.assert(
      fc.property(text, (given) => {
        const isFit = pattern.test(given);
        taken[isFit ? "fit" : "other"] += 1;
        expect(isFit).toBe(holds(normal(given)));
        expect(pattern.test(normal(given))).toBe(isFit);
      }),
      runs,
    );
    expect(Math.min(taken.fit, taken.other)).toBeGreaterThan(20);
  });

  // With time in proportion to the square of their length, each of these would take an hour.
  it("are told apart when they are long and made to be slow", () => {
    const long = (unit: string) => unit.repeat(2 ** 20 / unit.length);
    for (const unit of [" ", "\n", "\r\n", "a ", "a\n", "a         ", "|", "."]) {
      for (const given of [long(unit), `a${long(unit)}\u0007|`, `${long(unit)}\u0007|`]) pattern.test(given);
    }
  });
});

it("names of attributes have a normal form however many spaces there are", () => {
  expect(normalName(`${" ".repeat(2 ** 20)}main \n colour`)).toBe("main colour");
});
