/** The one form in which texts of a catalogue are kept and compared. */

/**
 * Composed (NFC), lines ended by "\n", no white space and no byte order mark around it. Tables, writes over HTTP, ids in
 * addresses, and filters all pass through here, so that two spellings of one text are the same item and the same value.
 */
export function normalText(text: string): string {
  return text.normalize("NFC").replace(/\r\n?/g, "\n").trim();
}

/** As `normalText`, on one line: line breaks and tabs become spaces. */
export function normalName(name: string): string {
  return normalText(
    name.replace(/[\s\u0085]+/g, (space) => (/[\t-\r\u0085\u2028\u2029]/.test(space) ? " " : space)),
  );
}

/** Has it no half of a character (a surrogate without its other half)? UTF-8 cannot hold one. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

/** Has it at most so many characters? As a reader counts, and JSON Schema, not in units of UTF-16. */
export function hasUpTo(characters: number, text: string): boolean {
  return text.length <= characters || (text.length <= 2 * characters && [...text].length <= characters);
}

/** The text with U+FFFD for half characters: strict readers of JSON refuse those. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\uFFFD");
}

/** The beginning of a long text, whole characters only. */
export function shortened(text: string, maxCharacters: number): string {
  if (text.length <= maxCharacters) return text;
  return `${text.slice(0, maxCharacters - 3).replace(/[\uD800-\uDBFF]$/, "")}...`;
}
