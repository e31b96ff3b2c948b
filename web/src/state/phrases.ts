/** Texts of queries as phrases, joined by "and", "but" or commas. */

/** A text as its last phrase, which is being typed, and what stands before: "is red and has" -> "is red and ", "has". */
export function splitPhrase(text: string): { readonly before: string; readonly phrase: string } {
  const [, before = "", phrase = ""] = /^(.*(?:,|\band\b|\bbut\b)\s+)?(.*)$/is.exec(text) ?? [];
  return { before, phrase };
}

/** "The same", "a similar one": what people say before what should be different. */
const saysNothing = /\b(?:same|similar|identical|alike|like this)\b/i;

/** Phrases that change something on their own; those that a text already has are left out. */
export function changesFor(text: string, phrases: readonly string[]): readonly string[] {
  return phrases.filter((phrase) => /\s/.test(phrase) && !saysNothing.test(phrase) && !text.includes(phrase));
}

/** A text with one more phrase. */
export function withPhrase(text: string, phrase: string): string {
  const start = text
    .trim()
    .replace(/(?:,|\band|\bbut)$/i, "")
    .trim();
  return start === "" ? phrase : `${start} and ${phrase}`;
}
