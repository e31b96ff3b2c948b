/** The queries that a model answers worst and best. */

import { highest } from "../../embedding/top-k.js";
import type { CategoryTask } from "../../evaluation/category-task.js";
import { scorerOf, unranked } from "../../evaluation/recall.js";
import type { RankedQuery } from "./query-pictures.js";

export interface ExtremeQueriesOptions {
  /** Queries of each kind, over all categories. */
  readonly count: number;
  /** Pictures shown of each ranking. */
  readonly shown: number;
}

export interface ExtremeQueries {
  readonly worst: readonly RankedQuery[];
  readonly best: readonly RankedQuery[];
}

/** Queries of rank 1 whose lead is measured, in each category: it costs a ranking each. */
const measuredLeads = 200;

/**
 * Worst: the highest ranks, those that nothing can answer aside. Best: rank 1 with the widest lead in score over the
 * next picture. In turn from each category, equal ones in the order in which they were asked.
 */
export function extremeQueries(
  categories: readonly CategoryTask[],
  { count, shown }: ExtremeQueriesOptions,
): ExtremeQueries {
  const chosen = categories.map((category) => {
    const places = category.ranks.map((rank, place) => ({ rank, place }));
    const worst = places
      .filter(({ rank }) => rank !== unranked && rank > 1)
      .sort((a, b) => b.rank - a.rank || a.place - b.place);
    const best = places
      .filter(({ rank }) => rank === 1)
      .slice(0, measuredLeads)
      .map(({ place }) => ({ place, lead: leadOf(category, place) }))
      .sort((a, b) => b.lead - a.lead || a.place - b.place);
    const ranked = (list: readonly { readonly place: number }[]) =>
      list.slice(0, count).map(({ place }) => rankedQuery(category, place, shown));
    return { worst: ranked(worst), best: ranked(best) };
  });
  return {
    worst: inTurn(
      chosen.map(({ worst }) => worst),
      count,
    ),
    best: inTurn(
      chosen.map(({ best }) => best),
      count,
    ),
  };
}

/** First of each list, then the second of each, and so on. */
function inTurn<T>(lists: readonly (readonly T[])[], count: number): readonly T[] {
  return Array.from({ length: count }, (_, turn) => lists.flatMap((list) => list.slice(turn, turn + 1)))
    .flat()
    .slice(0, count);
}

function rankedQuery(category: CategoryTask, place: number, shown: number): RankedQuery {
  const { triplet, text } = category.asked[place] ?? missing();
  return {
    triplet,
    text,
    hits: ranking(category, place, shown).map(({ row, score }) => ({
      id: category.galleryIds[row] ?? "",
      score,
    })),
    rank: category.ranks[place] ?? unranked,
    gallerySize: category.galleryIds.length,
  };
}

function ranking({ task }: CategoryTask, place: number, k: number) {
  const scoreOf = scorerOf(task);
  const galleryCount = task.gallery.length / task.embedDim;
  const masked = new Set(task.masked[place]);
  const scores = Float64Array.from({ length: galleryCount }, (_, row) => scoreOf(place, row));
  return highest(scores, { k, isLeftOut: (row) => masked.has(row) });
}

/** Score of the best hit less that of the best other picture. */
function leadOf(category: CategoryTask, place: number): number {
  const hits = new Set(category.task.hits[place]);
  const first = ranking(category, place, hits.size + 1);
  const other = first.find(({ row }) => !hits.has(row));
  return (first[0]?.score ?? 0) - (other?.score ?? -1);
}

function missing(): never {
  throw new RangeError("extremeQueries: a category has more ranks than queries");
}
