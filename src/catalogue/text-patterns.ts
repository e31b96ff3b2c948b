/**
 * Patterns that say of a text as it is given what must hold for its normal form (`normal-text.ts`): JSON Schema, and with
 * it the OpenAPI document, has patterns but no normal form. They fit a text with white space around it just as they fit it
 * without, and take every line break for one character; of Unicode's composed form (NFC) they know nothing.
 */

/** One character of a text, as a pattern's source; a line break is one, however it is written. */
export const characters = {
  any: String.raw`(?:\r?\n|\r(?!\n)|[^\r\n])`,
  onOneLine: String.raw`\P{Cc}`,
  onLines: String.raw`(?:\r?\n|\r(?!\n)|[\P{Cc}\t])`,
  /** `normalName` makes spaces of these line breaks and tabs. */
  ofName: String.raw`[\P{Cc}\t-\r\x85]`,
  /** Of what can be a file's name. */
  ofId: String.raw`[^\p{Cc}/\\]`,
} as const;

export const notEmpty = /\S/u;
/** As `isWellFormed`. */
export const wellFormedPattern = /^\P{Surrogate}*$/u;

interface Around {
  /** The normal form does not start with it. */
  readonly notFirst?: string;
  /** What the normal form leaves out at both ends. */
  readonly space?: string;
}

/** At most so many characters of one kind, or none. No text takes longer than in proportion to its length. */
export function upToCharacters(
  count: number,
  character: string,
  { notFirst = "", space = String.raw`\s` }: Around = {},
): RegExp {
  const end = `(?!${space})${character}`;
  const start = notFirst === "" ? end : `(?!${notFirst})${end}`;
  return new RegExp(`^(?:${space}*|${space}*${start}(?:${character}{0,${count - 2}}${end})?${space}*)$`, "u");
}

/** None of these words, in whatever case and with white space around them. */
export function noneOf(words: readonly string[], space: string): RegExp {
  const anyCase = (word: string) => word.replace(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);
  return new RegExp(`^(?!${space}*(?:${words.map(anyCase).join("|")})${space}*$)`, "u");
}

/** A character at most in texts that have several lines, or more than so many characters. */
export function onlyInLongTexts(character: string, count: number): RegExp {
  const several = String.raw`\s*\S[\s\S]*[\r\n][^\S\r\n]*\S`;
  const long = String.raw`\s*\S[\s\S]{${count - 1},}\S`;
  return new RegExp(`^(?:[^${character}]*$|${several}|${long})`, "u");
}
