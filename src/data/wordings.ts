/** One change in several wordings: what generators store beside a query's own captions. */

/** Wordings of a query, its own captions among them. */
export const wordingCount = 4;

/** Draws for each wording that is wanted; templates may leave no choice. */
const attemptsPerWording = 8;

/**
 * Other captions for a change, as `write` gives them: each differs from `own` and from the others, whatever the order of its
 * sentences. Fewer than `wordingCount - 1` where `write` repeats itself.
 */
export function otherWordings<Captions extends readonly string[]>(
  own: Captions,
  write: () => Captions,
): Captions[] {
  const known = new Set([keyOf(own)]);
  const others: Captions[] = [];
  const attempts = attemptsPerWording * (wordingCount - 1);
  for (let i = 0; i < attempts && known.size < wordingCount; i += 1) {
    const captions = write();
    if (known.has(keyOf(captions))) continue;
    known.add(keyOf(captions));
    others.push(captions);
  }
  return others;
}

function keyOf(captions: readonly string[]): string {
  return captions.toSorted().join("\n");
}
