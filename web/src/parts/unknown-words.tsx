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
        {markWords(text, words).map(({ start, text: part, isUnknown }) =>
          isUnknown ? <mark key={start}>{part}</mark> : part,
        )}
      </span>{" "}
      <span className="soft">
        {words.length === 1 ? "The marked word is" : "Marked words are"} unknown here and will not help. Try
        other words.
      </span>
    </p>
  );
}

export interface TextPart {
  /** Place of its first character. */
  readonly start: number;
  readonly text: string;
  readonly isUnknown: boolean;
}

/** The text in parts, unknown words apart; joined, they are the text again. */
export function markWords(text: string, words: readonly string[]): readonly TextPart[] {
  const escaped = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(${escaped.join("|")})(?![\\p{L}\\p{N}])`, "giu");
  const parts: TextPart[] = [];
  let end = 0;
  const add = (to: number, isUnknown: boolean) => {
    if (to > end) parts.push({ start: end, text: text.slice(end, to), isUnknown });
    end = to;
  };
  for (const { index, 0: word } of words.length === 0 ? [] : text.matchAll(pattern)) {
    add(index, false);
    add(index + word.length, true);
  }
  add(text.length, false);
  return parts;
}
