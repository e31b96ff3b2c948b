/** Ranks besides that of a query's best hit: in its subset, and of every relevant image. */
import { type RankingTask, scorerOf, unranked } from "./recall.js";

/**
 * Rank of each query's target, from 1, when only the rows of its subset are ranked. Ties count against the model.
 * @param subsets rows of the gallery by query; the query's own reference is not among them.
 * @param targets the row of each query's target; `unranked` where that is not in the subset.
 */
export function subsetRanks(
  task: Omit<RankingTask, "hits" | "masked">,
  subsets: readonly (readonly number[])[],
  targets: readonly (number | undefined)[],
): number[] {
  const score = scorerOf(task);
  return subsets.map((rows, query) => {
    const target = targets[query];
    if (target === undefined || !rows.includes(target)) return unranked;
    const threshold = score(query, target);
    return 1 + rows.filter((row) => row !== target && score(query, row) >= threshold).length;
  });
}

/**
 * Ranks of all relevant rows of each query, best first, from 1:
 *
 *   rank of the j-th best = j + number of rows, neither relevant nor masked, with score >= its own
 *
 * so that ties with other images count against the model, and ties among relevant ones do not. A masked one is `unranked`.
 */
export function relevantRanks(
  task: Omit<RankingTask, "hits">,
  relevant: readonly (readonly number[])[],
): readonly (readonly number[])[] {
  const scoreOf = scorerOf(task);
  const galleryCount = task.gallery.length / task.embedDim;
  return relevant.map((rows, query) => {
    const masked = new Set(task.masked?.[query]);
    const scores = rows.map((row) => (masked.has(row) ? Number.NaN : scoreOf(query, row)));
    const ahead = rows.map(() => 0);
    const passedOver = new Set([...rows, ...masked]);
    for (let row = 0; row < galleryCount; row += 1) {
      if (passedOver.has(row)) continue;
      const score = scoreOf(query, row);
      // By index: an iterator for each row of a large gallery costs more than the comparisons.
      for (let i = 0; i < scores.length; i += 1) {
        if (score >= (scores[i] as number)) ahead[i] = (ahead[i] as number) + 1;
      }
    }
    return ahead
      .map((count, i) => (Number.isNaN(scores[i]) ? unranked : count))
      .sort((a, b) => a - b)
      .map((count, j) => count + j + 1);
  });
}
