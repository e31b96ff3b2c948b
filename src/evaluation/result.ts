/** What an evaluation reports. Plain data: it is written to JSON as it is. */
import type { DropReport } from "../data/presence/missing-images.js";
import { type MetricName, metricNames, type SplitName } from "../data/triplet.js";
import { metricLabel, type OtherMetrics } from "./metrics.js";
import type { CaptionJoin, ProtocolName } from "./protocols.js";
import { recallAtK, unranked } from "./recall.js";
import type { Spread } from "./statistics.js";

/** Recall@1, @10 and @50 in percent. */
export interface Recalls {
  readonly r1: number;
  readonly r10: number;
  readonly r50: number;
}

/** What a ranking was measured by, in percent: three recalls always, other metrics where the data set's tables have them. */
export interface Measured extends Recalls, OtherMetrics {}

/** One category's metrics and what they were measured on. */
export interface CategoryResult extends Measured {
  readonly queries: number;
  /** Images in the gallery, the reference that is taken out for each query included. */
  readonly gallery: number;
  /** Queries that no model can answer, as their target is their reference and that was removed. */
  readonly unanswerable: number;
}

/** Unweighted means over the categories. */
export interface MeanResult extends Measured {
  /** Mean of R@10 and R@50: the single number by which FashionIQ's tables are compared. */
  readonly r10r50: number;
}

/** Recalls of one split. */
export interface Scores {
  /** By category; one whose every query was dropped is left out, here and in the mean. */
  readonly perCategory: Readonly<Record<string, CategoryResult>>;
  readonly mean: MeanResult;
}

/** Shares of a category's queries in percent: those that one half alone answers, and the others. */
export interface ShortcutScores {
  /** Answered by the picture alone. */
  readonly picture: Recalls;
  /** Answered by the words alone. */
  readonly words: Recalls;
  /** Answered by either: the shortcuts. */
  readonly either: Recalls;
  /** Recall of picture and words on the queries that neither answers; null where there are none. */
  readonly rest: { readonly [Recall in keyof Recalls]: number | null };
}

/** Shortcuts of a split. */
export interface Shortcuts {
  readonly perCategory: Readonly<Record<string, ShortcutScores>>;
  /** Unweighted means over the categories; of `rest` over those where queries are left. */
  readonly mean: ShortcutScores;
}

/** Shares of queries in percent: answered in every wording, in some of them, in none. */
export interface AnsweredShares {
  readonly all: number;
  readonly some: number;
  readonly none: number;
}

/** How the same queries fare in several wordings. */
export interface ParaphraseScores {
  /** Queries that were asked in every wording, of all queries. */
  readonly queries: number;
  readonly of: number;
  /** The queries' own wording first. */
  readonly byWording: readonly Recalls[];
  /** Of `byWording`. */
  readonly spread: { readonly [Recall in keyof Recalls]: Spread };
  readonly answered: { readonly [Recall in keyof Recalls]: AnsweredShares };
  /** Mean over the queries of the highest rank among the wordings less the lowest; null where no query can be answered. */
  readonly rankSpread: number | null;
}

/** Spread over the wordings of a split. */
export interface Paraphrases {
  /** Wordings that each query was asked in. */
  readonly wordings: number;
  readonly perCategory: Readonly<Record<string, ParaphraseScores>>;
  /** Unweighted means over the categories, the spread being that of the means; queries are summed up. */
  readonly mean: ParaphraseScores;
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
  /** Absent in files of versions that did not measure it. */
  readonly shortcuts?: Shortcuts | undefined;
  /** Null where the data set has one wording of each query; absent as above, and where one was asked for. */
  readonly paraphrases?: Paraphrases | null | undefined;
}

/** A mean over categories and over some metrics, each counted once. */
export interface ComparedMean {
  /**
   * The fields it is the mean of: R@10 and R@50 for FashionIQ; R@1, R@10 and R@50 for Shoes and Fashion200k; R@5 and the
   * subset's R@1 for CIRR; mAP@5 for CIRCO.
   */
  readonly of: readonly MetricName[];
  /** Percent. */
  readonly value: number;
}

/** Mean of the fields `of` of means over categories. @throws RangeError when one was not measured. */
export function comparedMean(mean: Measured, of: readonly MetricName[]): ComparedMean {
  const values = of.map((field) => mean[field] ?? notMeasured(field));
  return { of, value: values.reduce((sum, value) => sum + value, 0) / of.length };
}

function notMeasured(field: MetricName): never {
  throw new RangeError(`comparedMean: ${metricLabel(field)} was not measured`);
}

/** A category's result from its queries' ranks and other metrics. @throws RangeError when there are none. */
export function categoryResult(
  ranks: readonly number[],
  gallery: number,
  others: OtherMetrics = {},
): CategoryResult {
  return {
    ...others,
    ...recallsOf(ranks),
    queries: ranks.length,
    gallery,
    unanswerable: ranks.filter((rank) => rank === unranked).length,
  };
}

/** Recalls from ranks. @throws RangeError when there are none. */
export function recallsOf(ranks: readonly number[]): Recalls {
  return { r1: recallAtK(ranks, 1), r10: recallAtK(ranks, 10), r50: recallAtK(ranks, 50) };
}

/** Unweighted mean of each recall. */
export function meanRecalls(recalls: readonly Recalls[]): Recalls {
  const mean = (name: keyof Recalls) => recalls.reduce((sum, own) => sum + own[name], 0) / recalls.length;
  return { r1: mean("r1"), r10: mean("r10"), r50: mean("r50") };
}

/** Means over `categories`, each counted once whatever its number of queries. */
export function meanOf(categories: readonly CategoryResult[]): MeanResult {
  const names = metricNames.filter((name) => categories.every((own) => own[name] !== undefined));
  const others: OtherMetrics = Object.fromEntries(
    names.map((name) => [
      name,
      categories.reduce((sum, own) => sum + (own[name] ?? 0), 0) / categories.length,
    ]),
  );
  const mean = meanRecalls(categories);
  return { ...others, ...mean, r10r50: (mean.r10 + mean.r50) / 2 };
}
