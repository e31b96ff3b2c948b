/** What an evaluation reports. Plain data: it is written to JSON as it is. */
import type { DropReport } from "../data/presence/missing-images.js";
import type { SplitName } from "../data/triplet.js";
import type { CaptionJoin, ProtocolName } from "./protocols.js";
import { recallAtK, unranked } from "./recall.js";

/** Recall@1, @10 and @50 in percent. */
export interface Recalls {
  readonly r1: number;
  readonly r10: number;
  readonly r50: number;
}

/** One category's recalls and what they were measured on. */
export interface CategoryResult extends Recalls {
  readonly queries: number;
  /** Images in the gallery, the reference that is taken out for each query included. */
  readonly gallery: number;
  /** Queries that no model can answer, as their target is their reference and that was removed. */
  readonly unanswerable: number;
}

/** Unweighted means over the categories. */
export interface MeanResult extends Recalls {
  /** Mean of R@10 and R@50: the single number by which FashionIQ's tables are compared. */
  readonly r10r50: number;
}

/** Recalls of one split. */
export interface Scores {
  /** By category; one whose every query was dropped is left out, here and in the mean. */
  readonly perCategory: Readonly<Record<string, CategoryResult>>;
  readonly mean: MeanResult;
}

/** Where a number comes from. */
export interface Provenance {
  /** Name of the model. */
  readonly model: string;
  readonly seed: number;
  /** The program's commit, or null where it is not known. */
  readonly commit: string | null;
}

/** Recalls with everything needed to compare them with others. */
export interface EvaluationResult extends Scores, Provenance {
  readonly protocol: ProtocolName;
  readonly reference: "removed" | "kept";
  readonly captions: CaptionJoin;
  readonly dataset: string;
  readonly split: SplitName;
  /** What was left out for missing and broken images; gallery entries are those of this protocol's galleries. */
  readonly dropped: DropReport;
  /** The one number by which the data set's tables compare methods. */
  readonly compared: ComparedMean;
}

/** A mean over categories and over some recalls, each counted once. */
export interface ComparedMean {
  /** The fields it is the mean of: R@10 and R@50 for FashionIQ; R@1, R@10 and R@50 for Shoes and Fashion200k. */
  readonly of: readonly (keyof Recalls)[];
  /** Percent. */
  readonly value: number;
}

/** Mean of the fields `of` of means over categories. */
export function comparedMean(mean: Recalls, of: readonly (keyof Recalls)[]): ComparedMean {
  return { of, value: of.reduce((sum, field) => sum + mean[field], 0) / of.length };
}

/** A category's result from its queries' ranks. @throws RangeError when there are none. */
export function categoryResult(ranks: readonly number[], gallery: number): CategoryResult {
  return {
    r1: recallAtK(ranks, 1),
    r10: recallAtK(ranks, 10),
    r50: recallAtK(ranks, 50),
    queries: ranks.length,
    gallery,
    unanswerable: ranks.filter((rank) => rank === unranked).length,
  };
}

/** Means over `categories`, each counted once whatever its number of queries. */
export function meanOf(categories: readonly CategoryResult[]): MeanResult {
  const mean = (value: (category: CategoryResult) => number) =>
    categories.reduce((sum, category) => sum + value(category), 0) / categories.length;
  return {
    r1: mean(({ r1 }) => r1),
    r10: mean(({ r10 }) => r10),
    r50: mean(({ r50 }) => r50),
    r10r50: mean(({ r10, r50 }) => (r10 + r50) / 2),
  };
}
