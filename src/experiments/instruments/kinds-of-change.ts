/** What kind of change each query asks for: the attributes that change, or where they are not known, words of its text. */
import { changedAttributes } from "../../data/changed-attributes.js";
import type { RetrievalDataset } from "../../data/triplet.js";
import type { AskedQuery } from "../../evaluation/category-task.js";
import { tokenise } from "../../text/vocabulary.js";

export interface KindsOfChange {
  readonly from: "attributes" | "words";
  /** By query. */
  readonly kinds: readonly (readonly string[])[];
}

/** Words that stand in this share of the texts; rarer ones say little, more frequent ones do not tell texts apart. */
const wordShares = { least: 0.05, most: 0.6 };
/** Shorter ones are "is", "has", "the". */
const leastLetters = 4;
const maxWords = 12;

export async function kindsOfChange(
  dataset: RetrievalDataset,
  queries: readonly AskedQuery[],
): Promise<KindsOfChange> {
  const changed = await changedAttributes(dataset);
  const kinds = queries.map(({ triplet }) => changed?.(triplet));
  if (kinds.every((found) => found !== undefined)) return { from: "attributes", kinds };
  return { from: "words", kinds: frequentWords(queries.map(({ text }) => text)) };
}

/** Of each text, those of its words that are among the frequent ones of all. */
function frequentWords(texts: readonly string[]): readonly (readonly string[])[] {
  const words = texts.map((text) => [...new Set(tokenise(text))]);
  const counts = new Map<string, number>();
  for (const word of words.flat()) counts.set(word, (counts.get(word) ?? 0) + 1);
  const isTelling = ([word, count]: readonly [string, number]) =>
    word.length >= leastLetters &&
    count >= wordShares.least * texts.length &&
    count <= wordShares.most * texts.length;
  const telling = [...counts].filter(isTelling).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const kept = new Set(telling.slice(0, maxWords).map(([word]) => word));
  return words.map((own) => own.filter((word) => kept.has(word)));
}
