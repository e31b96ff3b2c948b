/** How a query goes through a LanceDB table, so that recall holds under any filter at the least cost. */
import type { StoreAnswer } from "./vector-store.js";

/** Up to so many fitting items are all compared: about as quick as an index that has to be filtered, and never wrong. */
export const exactUpTo = 20_000;
/** Below this share of fitting items every partition is looked at, for recall falls silently otherwise. */
const selectiveBelow = 0.95;
/** Looking at so many partitions costs hardly more than looking at a few. */
const fewPartitions = 128;
const usualProbes = 64;
/** Candidates that are compared with their full vectors: so many for each answer, and at least so many in all. */
const candidatesPerAnswer = 5;
const leastCandidates = 250;
/**
 * Under a filter the last answers are often far away, where codes of one bit tell little apart: 2000 candidates were
 * enough among 40,000 fitting items, and four times as many were needed among ten times as many (docs/performance.md).
 */
const selectiveCandidates = (fitting: number) => 2000 * Math.max(1, Math.sqrt(fitting / 40_000));

export interface LancePlan {
  readonly plan: StoreAnswer["plan"];
  /** Partitions of the vector index that are looked at; unused when every item is. */
  readonly probes: number;
  /** Candidates for each answer. */
  readonly refine: number;
}

/**
 * @param partitions of the vector index; undefined where there is none, or it must not be used.
 * @param wanted answers, those that a page leaves out included.
 */
export function planQuery({
  partitions,
  fitting,
  total,
  wanted,
}: {
  readonly partitions: number | undefined;
  readonly fitting: number;
  readonly total: number;
  readonly wanted: number;
}): LancePlan {
  if (partitions === undefined || fitting <= exactUpTo) return { plan: "exact", probes: 0, refine: 1 };
  const isSelective = fitting < selectiveBelow * total;
  const probes = isSelective || partitions <= fewPartitions ? partitions : usualProbes;
  const least = isSelective ? selectiveCandidates(fitting) : leastCandidates;
  return {
    plan: probes === partitions ? "all partitions" : "some partitions",
    probes,
    refine: Math.max(candidatesPerAnswer, Math.ceil(least / wanted)),
  };
}
