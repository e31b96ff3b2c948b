/** Words of the vocabulary whose vectors never got a gradient, because no batch had them. */
import type { Batch } from "../data/batches/batch-loader.js";
import type { RunManifest } from "../runs/run-files.js";
import type { TrainingConfig } from "../runs/training-fields.js";
import type { Vocabulary } from "../text/vocabulary.js";

/** How many are named. */
const namedCount = 20;

/** Marks the tokens of a batch's texts in `seen`, by token. */
export function noteWords(seen: Uint8Array, { tokens, lengths }: Pick<Batch, "tokens" | "lengths">): void {
  const [, maxWords = 0] = tokens.shape;
  for (const [row, length] of lengths.data.entries()) {
    for (let i = row * maxWords; i < row * maxWords + Number(length); i += 1) {
      seen[Number(tokens.data[i])] = 1;
    }
  }
}

/** Undefined when every word was seen. */
export function unseenWords(seen: Uint8Array, vocabulary: Vocabulary): RunManifest["unseenWords"] {
  const words = vocabulary.words.filter((word) => seen[vocabulary.tokenOf(word)] !== 1);
  return words.length > 0 ? { count: words.length, words: words.slice(0, namedCount) } : undefined;
}

/** "warning: 3 words of the vocabulary were in no batch ..." */
export function describeUnseen(
  { count, words }: NonNullable<RunManifest["unseenWords"]>,
  { maxWords }: Pick<TrainingConfig, "maxWords">,
): string {
  const more = count > words.length ? ", ..." : "";
  const what = count === 1 ? "1 word of the vocabulary was" : `${count} words of the vocabulary were`;
  return (
    `warning: ${what} in no batch, with a vector as it began: ${words.join(", ")}${more}; ` +
    `such words stand past the first ${maxWords} (maxWords), or in triplets that filled no batch`
  );
}
