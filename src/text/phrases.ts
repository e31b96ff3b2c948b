/** What modification texts say again and again: suggestions for those who type one. */

/** Of a model's list; characters of each. */
export const phraseLimits = { count: 500, characters: 80 } as const;

/** With fewer phrases than these that are said twice, those that are said once count too. */
const fewPhrases = 20;

/** A caption is read so far. */
const captionCharacters = 1000;

/** What stands between two wishes: "is red and has long sleeves, without a belt". */
const separators = /\s+(?:and|but)\s+|\s*[,;]\s*|\.\s+/;
/** What is left of a sentence around a wish. */
const edges = /^(?:[^\p{L}\p{N}]|(?:and|but)\s)+|(?:[^\p{L}\p{N})\]"'%]|\s(?:and|but))+$/gu;

/**
 * Captions and their parts, most frequent first, equally frequent ones by spelling; at most `phraseLimits.count`. Few
 * captions are ever written twice, but their parts are. Lower case, as the model reads them.
 */
export function frequentPhrases(captions: Iterable<string>): readonly string[] {
  const counts = new Map<string, number>();
  for (const caption of captions) {
    const whole = caption
      .slice(0, captionCharacters)
      .normalize("NFC")
      .toLowerCase()
      .replace(/[\s\p{C}]+/gu, " ");
    // A set: a caption of one part counts once.
    for (const phrase of new Set(
      [whole, ...whole.split(separators)].map((text) => text.replace(edges, "")),
    )) {
      if (phrase.length < 2 || phrase.length > phraseLimits.characters) continue;
      counts.set(phrase, (counts.get(phrase) ?? 0) + 1);
    }
  }
  const ranked = [...counts].sort(([a, countOfA], [b, countOfB]) => countOfB - countOfA || (a < b ? -1 : 1));
  const repeated = ranked.filter(([, count]) => count > 1);
  return (repeated.length < fewPhrases ? ranked : repeated)
    .slice(0, phraseLimits.count)
    .map(([phrase]) => phrase);
}
