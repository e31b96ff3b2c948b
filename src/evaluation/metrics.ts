/** The metrics of a query's ranking, by name: what each is called, and what a query scores under it. */
import { type MetricName, metricNames } from "../data/triplet.js";

/** Where the right answers to one query came, from 1; `unranked` for one that is not in the ranking. */
export interface QueryPlaces {
  /** Rank of the best hit; of the target, where nothing else counts as found. */
  readonly rank: number;
  /** Rank of the target among the images of the query's subset; absent where it has none. */
  readonly subsetRank?: number | undefined;
  /** Ranks of all relevant images, best first; absent where they were not judged. */
  readonly relevantRanks?: readonly number[] | undefined;
}

/** Metrics besides those that are always measured, in percent; absent ones were not. */
export type OtherMetrics = {
  readonly [Name in Exclude<MetricName, "r1" | "r10" | "r50">]?: number | undefined;
};

interface Metric {
  /** In tables: "R@10". */
  readonly label: string;
  /** In titles: "Recall@10". */
  readonly title: string;
  /** 0 to 1; undefined for a query that lacks what it is measured on. */
  score(places: QueryPlaces): number | undefined;
}

/**
 * Mean average precision at K, over the R relevant images of a query with ranks r_1 < r_2 < ...:
 *
 *   AP@K = 1 / min(K, R) · sum of j / r_j over the j with r_j <= K
 */
const averagePrecision = (k: number): Metric => ({
  label: `mAP@${k}`,
  title: `mAP@${k}`,
  score({ relevantRanks: ranks }) {
    if (ranks === undefined || ranks.length === 0) return undefined;
    const precisions = ranks.map((rank, i) => (rank <= k ? (i + 1) / rank : 0));
    return precisions.reduce((sum, precision) => sum + precision, 0) / Math.min(k, ranks.length);
  },
});

const recall = (k: number): Metric => ({
  label: `R@${k}`,
  title: `Recall@${k}`,
  score: ({ rank }) => Number(rank <= k),
});

/** Recall at K when only the subset is ranked, without the reference. */
const subsetRecall = (k: number): Metric => ({
  label: `Rs@${k}`,
  title: `Subset Recall@${k}`,
  score: ({ subsetRank }) => (subsetRank === undefined ? undefined : Number(subsetRank <= k)),
});

const metrics: Readonly<Record<MetricName, Metric>> = {
  map5: averagePrecision(5),
  map10: averagePrecision(10),
  map25: averagePrecision(25),
  map50: averagePrecision(50),
  r1: recall(1),
  r5: recall(5),
  r10: recall(10),
  r25: recall(25),
  r50: recall(50),
  subset1: subsetRecall(1),
  subset2: subsetRecall(2),
  subset3: subsetRecall(3),
};

/** "R@10", "mAP@5", "Rs@1". */
export function metricLabel(name: MetricName): string {
  return metrics[name].label;
}

/** "Recall@10", "mAP@5", "Subset Recall@1". */
export function metricTitle(name: MetricName): string {
  return metrics[name].title;
}

/** What a query scores, 0 to 1; undefined where it lacks what the metric is measured on. */
export function scoreUnder(name: MetricName, places: QueryPlaces): number | undefined {
  return metrics[name].score(places);
}

/** The metrics `names` in percent, mean over queries; without those that a query lacks something for. */
export function otherMetrics(places: readonly QueryPlaces[], names: readonly MetricName[]): OtherMetrics {
  return Object.fromEntries(
    names.flatMap((name) => {
      const scores = places.flatMap((own) => scoreUnder(name, own) ?? []);
      if (scores.length < places.length || scores.length === 0) return [];
      return [[name, (100 * scores.reduce((sum, score) => sum + score, 0)) / scores.length]];
    }),
  );
}

/** The metrics that a result has, in the order of tables. */
export function measuredNames(
  measured: { readonly [Name in MetricName]?: number | undefined },
): readonly MetricName[] {
  return metricNames.filter((name) => measured[name] !== undefined);
}

/**
 * The metrics to show where there is room for few, the first one for one: R@10 and R@50 where the data set's tables
 * compare by R@10, otherwise those that they compare by.
 */
export function headlines(compared: readonly MetricName[]): readonly [MetricName, ...MetricName[]] {
  const [first = "r10", ...others] = compared;
  return compared.includes("r10") ? ["r10", "r50"] : [first, ...others];
}

/** What the labels mean, for those that a reader of recalls alone may not know; "" where there is none. */
export function labelNotes(names: readonly MetricName[]): string {
  const has = (part: string) => names.some((name) => name.startsWith(part));
  return [
    has("map") ? "mAP@K: mean average precision of all right answers among the first K" : "",
    has("map") ? "R@K: of the target alone" : "",
    has("subset") ? "Rs@K: recall among the query's subset of similar images" : "",
  ]
    .filter(Boolean)
    .join("; ");
}
