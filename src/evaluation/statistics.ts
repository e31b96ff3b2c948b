/** Uncertainty of results: spread over seeds, paired differences, and the bootstrap over queries. */

import type { Random } from "../engine/tensor/random.js";
import { ShapeError } from "../errors.js";

/** A mean and how far its values lie from it. */
export interface Spread {
  readonly mean: number;
  /** Sample standard deviation (n - 1); null for a single value. */
  readonly deviation: number | null;
}

/** Ends of a 95 % interval. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** @throws RangeError when there are no values. */
export function spreadOf(values: readonly number[]): Spread {
  const n = values.length;
  if (n === 0) throw new RangeError("spreadOf: there are no values");
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: n === 1 ? null : Math.sqrt(squares / (n - 1)) };
}

/** 97.5 % points of Student's t for 1 to 30 degrees of freedom. */
const tPoints = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131,
  2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/** Mean difference of pairs, and the interval in which it would lie over other pairs of the kind. */
export interface PairedDifference extends Spread {
  /** mean ± t · deviation / sqrt(n), t of n - 1 degrees of freedom; null for a single pair. */
  readonly interval: Interval | null;
}

/**
 * values[i] - baseline[i]: two models at equal seeds. The interval is Student's, which takes the differences to be
 * normal; at three seeds it is wide, and that is the truth about three seeds.
 * @throws ShapeError when the lists are not of one length.
 */
export function pairedDifference(values: readonly number[], baseline: readonly number[]): PairedDifference {
  if (values.length !== baseline.length) {
    throw new ShapeError("pairedDifference", "needs pairs", {
      values: values.length,
      baseline: baseline.length,
    });
  }
  const spread = spreadOf(values.map((value, i) => value - (baseline[i] ?? 0)));
  if (spread.deviation === null) return { ...spread, interval: null };
  const t = tPoints[values.length - 2] ?? tPoints.at(-1) ?? 0; // beyond the table its last one, which is wider
  const half = (t * spread.deviation) / Math.sqrt(values.length);
  return { ...spread, interval: { low: spread.mean - half, high: spread.mean + half } };
}

export interface BootstrapOptions {
  readonly random: Random;
  readonly resamples?: number;
}

/** Resamples unless said otherwise; the ends of the interval then move by a few percent of its width with the seed. */
export const defaultResamples = 2000;

/**
 * Percentile bootstrap (Efron 1979), stratified: every resample draws from each stratum as many rows as it has, with
 * replacement, takes each column's mean within the stratum and then the mean over strata. The interval goes from the
 * 2.5 % to the 97.5 % point of the resamples' values. All columns are resampled together.
 * @param strata for each stratum its rows, [n, V]: V values of each query.
 * @returns V intervals.
 * @throws ShapeError when there is no stratum, an empty one, or rows of different lengths.
 */
export function bootstrapIntervals(
  strata: readonly (readonly (readonly number[])[])[],
  { random, resamples = defaultResamples }: BootstrapOptions,
): readonly Interval[] {
  const width = strata[0]?.[0]?.length ?? 0;
  const isWrong = (rows: readonly (readonly number[])[]) =>
    rows.length === 0 || rows.some((row) => row.length !== width);
  if (strata.length === 0 || strata.some(isWrong)) {
    throw new ShapeError("bootstrapIntervals", "needs rows of one length in every stratum", {
      strata: strata.map((rows) => rows.length).join(", "),
    });
  }
  const columns = Array.from({ length: width }, () => new Float64Array(resamples));
  const flat = strata.map((rows) => ({ count: rows.length, values: Float64Array.from(rows.flat()) }));
  const sums = new Float64Array(width);
  for (let resample = 0; resample < resamples; resample += 1) {
    for (const { count, values } of flat) {
      sums.fill(0);
      for (let draw = 0; draw < count; draw += 1) {
        const start = random.integer(count) * width;
        for (let column = 0; column < width; column += 1) {
          sums[column] = (sums[column] ?? 0) + (values[start + column] ?? 0);
        }
      }
      for (const [column, means] of columns.entries()) {
        means[resample] = (means[resample] ?? 0) + (sums[column] ?? 0) / count / flat.length;
      }
    }
  }
  return columns.map((means) => {
    const sorted = means.sort();
    return { low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
  });
}

/** Linear between neighbours; `sorted` is ascending and not empty. */
function quantile(sorted: Float64Array, fraction: number): number {
  const place = fraction * (sorted.length - 1);
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}
