/** The searched words with those marked that the model never learned. */

interface UnknownWordsProps {
  readonly id: string;
  readonly text: string;
  readonly words: readonly string[];
}

export function UnknownWords({ id, text, words }: UnknownWordsProps) {
  if (words.length === 0) return null;
  return (
    <p id={id} className="unknown">
      <span className="unknown-text">
        {markWords(text, words).map(({ text: part, isUnknown }, index) =>
          // The parts of one text never move.
          isUnknown ? <mark key={`${index}-${part}`}>{part}</mark> : part,
        )}
      </span>{" "}
      <span className="soft">
        {words.length === 1 ? "The marked word is" : "Marked words are"} unknown here and will not help. Try other
        words.
      </span>
    </p>
  );
}

export interface TextPart {
  readonly text: string;
  readonly isUnknown: boolean;
}

/** The text in parts, of which every other one is an unknown word; joined, they are the text again. */
export function markWords(text: string, words: readonly string[]): readonly TextPart[] {
  const escaped = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(${escaped.join("|")})(?![\\p{L}\\p{N}])`, "giu");
  // A pattern with one group: the parts between the matches are even, the matches odd.
  return text
    .split(words.length === 0 ? /(?!)/ : pattern)
    .map((part, index) => ({ text: part, isUnknown: index % 2 === 1 }))
    .filter((part) => part.text !== "");
}
