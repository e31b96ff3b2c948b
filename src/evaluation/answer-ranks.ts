/** Ranks besides that of a query's best hit: in its subset, and of every relevant image. */
import { type RankingTask, scorerOf, targetRanks, unranked } from "./recall.js";

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
 * @throws ShapeError, DivergenceError as `targetRanks`.
 */
export function relevantRanks(
  task: Omit<RankingTask, "hits">,
  relevant: readonly (readonly number[])[],
): readonly (readonly number[])[] {
  const aheads = relevant.map((): number[] => []);
  const most = relevant.reduce((count, rows) => Math.max(count, rows.length), 0);
  for (let place = 0; place < most; place += 1) {
    const queries = [...relevant.keys()].filter((query) => (relevant[query]?.length ?? 0) > place);
    const own = queries.map((query) => relevant[query]?.[place] ?? 0);
    const masked = queries.map((query, i) => {
      const others = (relevant[query] ?? []).filter((row) => row !== own[i]);
      return [...(task.masked?.[query] ?? []), ...others];
    });
    const part = { ...rowsOfTask(task, queries), hits: own.map((row) => [row]), masked };
    for (const [i, rank] of targetRanks(part).entries()) aheads[queries[i] ?? 0]?.push(rank - 1);
  }
  return aheads.map((counts) => counts.sort((a, b) => a - b).map((ahead, j) => ahead + j + 1));
}

/** The task with some of its queries only. */
function rowsOfTask(
  { queries, scores, gallery, embedDim }: Omit<RankingTask, "hits">,
  rows: readonly number[],
): Pick<RankingTask, "queries" | "scores" | "gallery" | "embedDim"> {
  const pick = (values: Float32Array, width: number) => {
    const picked = new Float32Array(rows.length * width);
    for (const [i, row] of rows.entries())
      picked.set(values.subarray(row * width, (row + 1) * width), i * width);
    return picked;
  };
  return {
    gallery,
    embedDim,
    queries: pick(queries, embedDim),
    scores: scores && pick(scores, gallery.length / embedDim),
  };
}
