/** The same queries in several wordings: what a model answers should not depend on how it is put. */
import type { Triplet } from "../data/triplet.js";
import { type CategoryTask, type Embedder, embeddedQueries } from "./category-task.js";
import { targetRanks, unranked } from "./recall.js";
import {
  type AnsweredShares,
  meanRecalls,
  type ParaphraseScores,
  type Paraphrases,
  type Recalls,
  recallsOf,
} from "./result.js";
import { spreadOf } from "./statistics.js";

/** How many of `wanted` wordings triplets have, their own among them. */
export function wordingsOf(triplets: readonly Triplet[], wanted: number): number {
  let most = 0;
  for (const { paraphrases = [] } of triplets) most = Math.max(most, paraphrases.length);
  return Math.min(wanted, 1 + most);
}

/**
 * Ranks of a category's queries by wording, [wordings][queries], their own first. A query that has fewer wordings is left
 * out of all.
 * @throws ImageError when a reference is missing or damaged.
 */
export async function wordingRanks(
  { asked, task, ranks }: CategoryTask,
  { embedder, wordings }: { readonly embedder: Embedder; readonly wordings: number },
): Promise<readonly (readonly number[])[]> {
  const places = [...asked.keys()].filter((i) => (asked[i]?.paraphrases.length ?? 0) >= wordings - 1);
  const own = places.map((i) => ranks[i] ?? unranked);
  if (places.length === 0) return Array.from({ length: wordings }, () => []);
  const hits = places.map((i) => task.hits[i] ?? []);
  const masked = places.map((i) => task.masked[i] ?? []);
  const { embedDim, gallery } = task;
  const all: (readonly number[])[] = [own];
  for (let wording = 0; wording < wordings - 1; wording += 1) {
    const queries = places.map((i) => ({
      reference: asked[i]?.triplet.reference ?? "",
      text: asked[i]?.paraphrases[wording] ?? "",
    }));
    const embedded = await embeddedQueries(queries, { embedder, gallery });
    all.push(targetRanks({ gallery, embedDim, hits, masked, ...embedded }));
  }
  return all;
}

/**
 * A category's scores from ranks [wordings][queries].
 * @param of queries of the category, those with fewer wordings among them.
 * @throws RangeError when there are no queries.
 */
export function paraphraseScores(ranks: readonly (readonly number[])[], of: number): ParaphraseScores {
  const byQuery = (ranks[0] ?? []).map((_, query) => ranks.map((own) => own[query] ?? unranked));
  const spreads = byQuery
    .filter((own) => own.every((rank) => rank !== unranked))
    .map((own) => Math.max(...own) - Math.min(...own));
  const byWording = ranks.map(recallsOf);
  return {
    queries: byQuery.length,
    of,
    byWording,
    spread: spreadsOf(byWording),
    answered: { r1: answered(byQuery, 1), r10: answered(byQuery, 10), r50: answered(byQuery, 50) },
    rankSpread: spreads.length === 0 ? null : mean(spreads),
  };
}

function answered(byQuery: readonly (readonly number[])[], k: number): AnsweredShares {
  const share = (isCounted: (own: readonly number[]) => boolean) =>
    (100 * byQuery.filter(isCounted).length) / byQuery.length;
  const all = share((own) => own.every((rank) => rank <= k));
  const none = share((own) => own.every((rank) => rank > k));
  return { all, some: share((own) => own.some((rank) => rank <= k) && own.some((rank) => rank > k)), none };
}

/** Scores of a split from those of its categories; null where no query has several wordings. */
export function paraphrasesOf(
  perCategory: ReadonlyMap<string, ParaphraseScores>,
  wordings: number,
): Paraphrases | null {
  const all = [...perCategory.values()];
  if (all.length === 0) return null;
  const byWording = Array.from({ length: wordings }, (_, wording) =>
    meanRecalls(all.flatMap((scores) => scores.byWording[wording] ?? [])),
  );
  const answeredMean = (recall: keyof Recalls): AnsweredShares => {
    const of = (share: keyof AnsweredShares) => mean(all.map((scores) => scores.answered[recall][share]));
    return { all: of("all"), some: of("some"), none: of("none") };
  };
  const rankSpreads = all.map(({ rankSpread }) => rankSpread).filter((spread) => spread !== null);
  return {
    wordings,
    perCategory: Object.fromEntries(perCategory),
    mean: {
      queries: all.reduce((sum, { queries }) => sum + queries, 0),
      of: all.reduce((sum, { of }) => sum + of, 0),
      byWording,
      spread: spreadsOf(byWording),
      answered: { r1: answeredMean("r1"), r10: answeredMean("r10"), r50: answeredMean("r50") },
      rankSpread: rankSpreads.length === 0 ? null : mean(rankSpreads),
    },
  };
}

function spreadsOf(byWording: readonly Recalls[]): ParaphraseScores["spread"] {
  const of = (recall: keyof Recalls) => spreadOf(byWording.map((recalls) => recalls[recall]));
  return { r1: of("r1"), r10: of("r10"), r50: of("r50") };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
