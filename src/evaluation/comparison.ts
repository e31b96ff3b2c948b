/** Several models over several seeds: means, deviations, and what differs from a baseline. Plain data, for JSON. */

import type { MetricName } from "../data/triplet.js";
import { Random } from "../engine/tensor/random.js";
import { DatasetError } from "../errors.js";
import { formatCount } from "../number-text.js";
import { measuredNames, scoreUnder } from "./metrics.js";
import type { QueryRanks } from "./query-ranks.js";
import type { EvaluationResult, Recalls } from "./result.js";
import {
  bootstrapIntervals,
  defaultResamples,
  type Interval,
  type PairedDifference,
  pairedDifference,
  type Spread,
  spreadOf,
} from "./statistics.js";

/** One training, evaluated. */
export interface SeedEvaluation {
  readonly result: EvaluationResult;
  readonly ranks: QueryRanks;
}

/** A model or setting with what its seeds reached. */
export interface ComparisonEntry {
  readonly name: string;
  /** Name of the entry it is compared with; the first one by default. */
  readonly against?: string | undefined;
  readonly evaluations: readonly SeedEvaluation[];
}

/** Percent. `compared` is the mean by which the data set's tables compare methods. */
export type ComparisonMetric = MetricName | "compared";
/** A value for each metric of the comparison. */
type PerMetric<Value> = Readonly<Record<keyof Recalls | "compared", Value>> & {
  readonly [Name in Exclude<MetricName, keyof Recalls>]?: Value;
};

/** How far an entry is from its baseline, percentage points. */
export interface MetricDifference extends PairedDifference {
  /** Bootstrap interval over the queries, the trained models as they are. */
  readonly overQueries: Interval;
}

export interface EntryDifference {
  readonly against: string;
  /** Seeds that both finished. */
  readonly seeds: readonly number[];
  readonly metrics: PerMetric<MetricDifference>;
}

/** Over seeds, of one category. */
export type CategorySpread = Omit<PerMetric<Spread>, "compared"> & {
  readonly queries: number;
  readonly gallery: number;
};

/** One line of the table. */
export interface ComparisonRow {
  readonly name: string;
  readonly seeds: readonly number[];
  /** Over seeds, of the means over categories. */
  readonly mean: PerMetric<Spread>;
  /** What `mean` is of: one value for each of `seeds`. */
  readonly values: PerMetric<readonly number[]>;
  readonly perCategory: Readonly<Record<string, CategorySpread>>;
  /** Null for the baseline itself, and where no seed was finished by both. */
  readonly difference: EntryDifference | null;
}

export interface Comparison {
  /** In the order given; entries without a finished seed are left out. */
  readonly rows: readonly ComparisonRow[];
  /** What was measured, in the order of tables; `compared` stands beside these. */
  readonly metrics: readonly MetricName[];
  /** The fields that `compared` is the mean of. */
  readonly comparedBy: readonly MetricName[];
  readonly resamples: number;
  readonly bootstrapSeed: number;
}

export interface CompareOptions {
  readonly resamples?: number;
  /** Of the bootstrap's draws. */
  readonly seed?: number;
}

/** How the numbers come about, in words that stand beside them. */
export function comparisonMethod({ metrics, resamples, bootstrapSeed }: Comparison): string {
  const counted = metrics.some((metric) => metric.startsWith("map")) ? "hits and precision" : "hits";
  return (
    "Mean ± sample standard deviation over seeds. Differences are paired: both models at the same seed, on the same " +
    "queries. Two 95 % intervals, because there are two sources of chance. Over seeds: Student's t of the paired " +
    "differences; what other trainings would give. Over queries: percentile bootstrap of the difference in " +
    `${counted}, each averaged over the seeds, ${formatCount(resamples)} resamples of the queries within each category ` +
    `(seed ${bootstrapSeed}); what other queries would give to these trained models.`
  );
}

/**
 * @throws DatasetError when evaluations are of different data, protocols or queries, so that they cannot be paired.
 */
export function compareEntries(
  entries: readonly ComparisonEntry[],
  { resamples = defaultResamples, seed = 1 }: CompareOptions = {},
): Comparison {
  const finished = entries.filter(({ evaluations }) => evaluations.length > 0);
  requireSameQueries(finished);
  const first = finished[0]?.evaluations[0]?.result;
  const metrics = first ? measuredNames(first.mean) : [];
  const rows = finished.map((entry): ComparisonRow => {
    const baseline = finished.find(({ name }) => name === (entry.against ?? entries[0]?.name));
    const results = entry.evaluations.map(({ result }) => result);
    const values = perMetric(metrics, (metric) => results.map((result) => metricOf(result, metric)));
    return {
      name: entry.name,
      seeds: results.map((result) => result.seed),
      mean: perMetric(metrics, (metric) => spreadOf(values[metric] ?? [])),
      values,
      perCategory: categorySpreads(results, metrics),
      difference:
        baseline && baseline !== entry ? differenceOf(entry, baseline, { metrics, resamples, seed }) : null,
    };
  });
  return { rows, metrics, comparedBy: first?.compared.of ?? [], resamples, bootstrapSeed: seed };
}

function differenceOf(
  entry: ComparisonEntry,
  baseline: ComparisonEntry,
  { metrics, resamples, seed }: Required<CompareOptions> & { readonly metrics: readonly MetricName[] },
): EntryDifference | null {
  const pairs = entry.evaluations.flatMap((own) => {
    const other = baseline.evaluations.find(({ result }) => result.seed === own.result.seed);
    return other ? [{ own, other }] : [];
  });
  const [first] = pairs;
  if (!first) return null;
  // Equal draws for every entry: two entries of equal ranks have equal intervals.
  const overQueries = bootstrapIntervals(
    Object.keys(first.own.ranks).map((category) => scoreDifferences(pairs, { category, metrics })),
    { random: new Random(seed).fork("comparison"), resamples },
  );
  return {
    against: baseline.name,
    seeds: pairs.map(({ own }) => own.result.seed),
    metrics: perMetric(metrics, (metric, column) => ({
      ...pairedDifference(
        pairs.map(({ own }) => metricOf(own.result, metric)),
        pairs.map(({ other }) => metricOf(other.result, metric)),
      ),
      overQueries: overQueries[column] ?? { low: Number.NaN, high: Number.NaN },
    })),
  };
}

/** For each query of a category, by metric, the mean over seeds of 100 · (score - baseline's score). */
function scoreDifferences(
  pairs: readonly { readonly own: SeedEvaluation; readonly other: SeedEvaluation }[],
  { category, metrics }: { readonly category: string; readonly metrics: readonly MetricName[] },
): readonly (readonly number[])[] {
  const count = pairs[0]?.own.ranks[category]?.length ?? 0;
  return Array.from({ length: count }, (_, query) =>
    withCompared(metrics).map((metric) => {
      const differences = pairs.map(
        ({ own, other }) =>
          queryScore(own, { category, query, metric }) - queryScore(other, { category, query, metric }),
      );
      return (100 * differences.reduce((sum, value) => sum + value, 0)) / pairs.length;
    }),
  );
}

/** What a query scores, 0 to 1; under `compared` the mean of several. */
function queryScore(
  { ranks, result }: SeedEvaluation,
  {
    category,
    query,
    metric,
  }: { readonly category: string; readonly query: number; readonly metric: ComparisonMetric },
): number {
  const places = ranks[category]?.[query];
  const of = metric === "compared" ? result.compared.of : [metric];
  return of.reduce((sum, name) => sum + ((places && scoreUnder(name, places)) ?? 0), 0) / of.length;
}

function metricOf({ mean, compared }: EvaluationResult, metric: ComparisonMetric): number {
  return metric === "compared" ? compared.value : (mean[metric] ?? Number.NaN);
}

function withCompared(metrics: readonly MetricName[]): readonly ComparisonMetric[] {
  return [...metrics, "compared"];
}

/** The three recalls are always among `metrics`. */
function perMetric<Value>(
  metrics: readonly MetricName[],
  valueFor: (metric: ComparisonMetric, column: number) => Value,
): PerMetric<Value> {
  return Object.fromEntries(
    withCompared(metrics).map((metric, column) => [metric, valueFor(metric, column)]),
  ) as PerMetric<Value>;
}

function categorySpreads(
  results: readonly EvaluationResult[],
  metrics: readonly MetricName[],
): ComparisonRow["perCategory"] {
  const [first] = results;
  return Object.fromEntries(
    Object.entries(first?.perCategory ?? {}).map(([category, { queries, gallery }]) => {
      const spreads = Object.fromEntries(
        metrics.map((metric) => [
          metric,
          spreadOf(results.flatMap(({ perCategory }) => perCategory[category]?.[metric] ?? [])),
        ]),
      ) as Omit<PerMetric<Spread>, "compared">;
      return [category, { ...spreads, queries, gallery }];
    }),
  );
}

function requireSameQueries(entries: readonly ComparisonEntry[]): void {
  const all = entries.flatMap(({ name, evaluations }) =>
    evaluations.map((evaluation) => ({ label: `${name}, seed ${evaluation.result.seed}`, ...evaluation })),
  );
  const [first, ...others] = all;
  if (!first) return;
  const settings = settingsOf(first.result);
  const queries = queriesOf(first.ranks);
  for (const { label, result, ranks } of others) {
    const own = settingsOf(result);
    if (own !== settings) {
      throw new DatasetError(
        `${label}: was not measured as ${first.label} was; got ${own} and ${settings}; compare under one protocol`,
      );
    }
    if (queriesOf(ranks) !== queries) {
      throw new DatasetError(
        `${label}: was not asked the queries of ${first.label}, so the two cannot be paired; got ` +
          `${countQueries(ranks)} and ${countQueries(first.ranks)} queries; the data set or its images changed ` +
          "between them: evaluate all of them again",
      );
    }
  }
}

function settingsOf({
  dataset,
  split,
  protocol,
  reference,
  captions,
  perCategory,
}: EvaluationResult): string {
  const galleries = Object.entries(perCategory).map(([category, { gallery }]) => `${category} ${gallery}`);
  return `${dataset} ${split}, ${protocol}, reference ${reference}, captions ${captions}, galleries ${galleries.join(", ")}`;
}

function queriesOf(ranks: QueryRanks): string {
  return JSON.stringify(
    Object.entries(ranks).map(([category, queries]) => [
      category,
      queries.map(({ reference, target, text }) => [reference, target, text]),
    ]),
  );
}

function countQueries(ranks: QueryRanks): number {
  return Object.values(ranks).reduce((sum, queries) => sum + queries.length, 0);
}
