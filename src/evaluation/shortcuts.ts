/**
 * Shortcuts: queries that one half alone answers, the picture or the words. What a model makes of both together shows in
 * the others.
 *
 * - The picture alone is asked for by its own gallery embedding: what an index gives for a picture without words.
 * - The words alone go through the model with the mean picture of the gallery for a reference, so that every way of
 *   composing and of scoring can be asked: features of zeros are no picture that a model has seen, and have no direction
 *   to compare. What both gave is in docs/evaluation.md.
 */
import { type CategoryTask, type Embedder, embeddedQueries } from "./category-task.js";
import { type RankingTask, recallAtK, targetRanks } from "./recall.js";
import { meanRecalls, type Recalls, recallsOf, type ShortcutScores, type Shortcuts } from "./result.js";

/** Ranks of the same queries with one half only. */
export interface HalfRanks {
  readonly picture: readonly number[];
  readonly words: readonly number[];
}

/** Pictures that the mean picture is made of at most; more do not change it. */
const meanPictureCount = 64;

/**
 * Ranks of a category's queries with one half only, in the gallery that is embedded already.
 * @throws ImageError when an image is missing or damaged.
 */
export async function halfRanks(category: CategoryTask, embedder: Embedder): Promise<HalfRanks> {
  const { asked, galleryIds } = category;
  const { gallery, embedDim, hits, masked } = category.task;
  const ranksOf = (half: Pick<RankingTask, "queries" | "scores">) =>
    targetRanks({ gallery, embedDim, hits, masked, ...half });
  const step = Math.ceil(galleryIds.length / meanPictureCount);
  const reference = await embedder.meanPicture(galleryIds.filter((_, row) => row % step === 0));
  const words = asked.map(({ text }) => ({ reference, text }));
  return {
    picture: ranksOf({ queries: await referenceEmbeddings(category, embedder) }),
    words: ranksOf(await embeddedQueries(words, { embedder, gallery })),
  };
}

/** Gallery embedding of each query's reference [Q, D]; those in the gallery are there already. */
async function referenceEmbeddings(
  { asked, galleryIds, task: { gallery, embedDim } }: CategoryTask,
  embedder: Embedder,
): Promise<Float32Array> {
  const rowOf = (embeddings: Float32Array, row: number) =>
    embeddings.subarray(row * embedDim, (row + 1) * embedDim);
  const known = new Map(galleryIds.map((id, row) => [id, rowOf(gallery, row)]));
  const references = asked.map(({ triplet }) => triplet.reference);
  const others = [...new Set(references)].filter((id) => !known.has(id));
  const embedded = await embedder.embedImages(others);
  for (const [row, id] of others.entries()) known.set(id, rowOf(embedded, row));
  const result = new Float32Array(references.length * embedDim);
  for (const [i, id] of references.entries()) result.set(known.get(id) ?? [], i * embedDim);
  return result;
}

/** Shares of a category's queries from their ranks. @throws RangeError when there are none. */
export function shortcutScores(ranks: readonly number[], { picture, words }: HalfRanks): ShortcutScores {
  const best = ranks.map((_, i) => Math.min(picture[i] ?? Number.NaN, words[i] ?? Number.NaN));
  const restAt = (k: number) => {
    const rest = ranks.filter((_, i) => (best[i] ?? Number.NaN) > k);
    return rest.length === 0 ? null : recallAtK(rest, k);
  };
  return {
    picture: recallsOf(picture),
    words: recallsOf(words),
    either: recallsOf(best),
    rest: { r1: restAt(1), r10: restAt(10), r50: restAt(50) },
  };
}

/** Shortcuts of a split from those of its categories, of which there is at least one. */
export function shortcutsOf(perCategory: ReadonlyMap<string, ShortcutScores>): Shortcuts {
  const all = [...perCategory.values()];
  const rest = (recall: keyof Recalls) => {
    const known = all.map((scores) => scores.rest[recall]).filter((value) => value !== null);
    return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
  };
  return {
    perCategory: Object.fromEntries(perCategory),
    mean: {
      picture: meanRecalls(all.map(({ picture }) => picture)),
      words: meanRecalls(all.map(({ words }) => words)),
      either: meanRecalls(all.map(({ either }) => either)),
      rest: { r1: rest("r1"), r10: rest("r10"), r50: rest("r50") },
    },
  };
}
