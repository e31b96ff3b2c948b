/** What recall would have been along other routes: fixed ones, chosen ones, and the best for each query as an oracle. */
import type { Random } from "../../engine/tensor/random.js";
import { recallAtK, unranked } from "../recall.js";
import type { Recalls } from "../result.js";
import { bootstrapIntervals, type Interval } from "../statistics.js";

/** Recall of the same queries along certain routes. */
export interface RouteTrial extends Recalls {
  readonly name: string;
  /** Mean of R@1, R@10 and R@50 less that along the model's own routes: where galleries are small, R@10 alone is near 100. */
  readonly difference: number;
  /** 95 % of that difference over other queries of the kind. */
  readonly interval: Interval;
}

/** The rank of every query's target along one route. */
export type Ranks = readonly number[];

/** A trial before it is compared: what it is called and the ranks. */
export interface RankedTrial {
  readonly name: string;
  readonly ranks: Ranks;
}

/** Recalls of each trial and its difference to `own`, query by query. */
export function routeTrials(
  own: Ranks,
  trials: readonly RankedTrial[],
  random: Random,
): readonly RouteTrial[] {
  const rows = own.map((rank, i) =>
    trials.map(({ ranks }) => meanRecall([ranks[i] ?? unranked]) - meanRecall([rank])),
  );
  const intervals = bootstrapIntervals([rows], { random });
  return trials.map(({ name, ranks }, t) => {
    return {
      name,
      r1: recallAtK(ranks, 1),
      r10: recallAtK(ranks, 10),
      r50: recallAtK(ranks, 50),
      difference: meanRecall(ranks) - meanRecall(own),
      interval: intervals[t] ?? { low: 0, high: 0 },
    };
  });
}

const cutoffs = [1, 10, 50];

/** Mean of R@1, R@10 and R@50, percent. */
function meanRecall(ranks: Ranks): number {
  return cutoffs.reduce((sum, k) => sum + recallAtK(ranks, k), 0) / cutoffs.length;
}

/** For each query the best of its ranks: an oracle that knows the target, and that gains by chance with every candidate. */
export function oracleRanks(candidates: readonly Ranks[]): Ranks {
  return (candidates[0] ?? []).map((_, i) => Math.min(...candidates.map((ranks) => ranks[i] ?? unranked)));
}

/** A group chooses for itself when as many of its queries are in the half that it chooses on. */
const minGroup = 8;

/**
 * The best candidate for each group, chosen on one half of the queries by mean reciprocal rank and used on the other half,
 * both ways round: what a router could gain that knows the group and nothing else. Groups that are too small take the
 * best candidate for all.
 * @param groups name of each query's group; equal names give the best candidate for all.
 */
export function chosenRanks(candidates: readonly Ranks[], groups: readonly string[], random: Random): Ranks {
  const order = random.shuffled([...groups.keys()]);
  const half = Math.ceil(order.length / 2);
  const parts = [order.slice(0, half), order.slice(half)];
  const result = new Array<number>(groups.length).fill(unranked);
  for (const [p, used] of parts.entries()) {
    const chosenOn = parts[1 - p] ?? [];
    const forAll = bestOf(candidates, chosenOn);
    for (const name of new Set(used.map((i) => groups[i]))) {
      const own = chosenOn.filter((i) => groups[i] === name);
      const best = own.length >= minGroup ? bestOf(candidates, own) : forAll;
      for (const i of used) if (groups[i] === name) result[i] = best[i] ?? unranked;
    }
  }
  return result;
}

/** The candidate with the highest mean reciprocal rank of some queries. */
function bestOf(candidates: readonly Ranks[], queries: readonly number[]): Ranks {
  const score = (ranks: Ranks) => queries.reduce((sum, i) => sum + 1 / (ranks[i] ?? unranked), 0);
  return candidates.reduce((best, ranks) => (score(ranks) > score(best) ? ranks : best));
}
