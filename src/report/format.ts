/** Numbers, durations and names as a reader expects them. */

import type { Interval, Spread } from "../evaluation/statistics.js";
import { formatCount } from "../number-text.js";

/** Percent with one decimal and no sign: 75.94 -> "75.9". */
export function formatPercent(percent: number): string {
  return percent.toFixed(1);
}

/** The same, "–" where there is none. */
export function formatPercentIfAny(percent: number | null): string {
  return percent === null ? "–" : formatPercent(percent);
}

/** A mean of percents and its deviation: "27.5 ± 0.8"; of one value without the deviation. */
export function formatSpread({ mean, deviation }: Spread): string {
  return deviation === null ? formatPercent(mean) : `${formatPercent(mean)} ± ${formatPercent(deviation)}`;
}

/** A difference of percents with its sign: "+3.1", "−0.4", "0.0". */
export function formatPoints(points: number): string {
  const text = formatPercent(Math.abs(points));
  if (text === formatPercent(0)) return text;
  return `${points < 0 ? "−" : "+"}${text}`;
}

/** "[−0.4, +3.1]"; "–" where there is no interval. */
export function formatInterval(interval: Interval | null): string {
  return interval ? `[${formatPoints(interval.low)}, ${formatPoints(interval.high)}]` : "–";
}

/** A share 0 to 1 as whole percent: 0.284 -> "28 %"; a share that is not zero never reads "0 %". */
export function formatShare(share: number): string {
  if (share > 0 && share < 0.005) return "<1 %";
  return `${Math.round(share * 100)} %`;
}

/** Three significant digits, without a tail of zeros: 0.0015 -> "0.0015", 1234.5 -> "1,230". */
export function formatNumber(value: number): string {
  if (value !== 0 && Math.abs(value) < 1e-3) return value.toExponential(1);
  return value.toLocaleString("en-GB", { maximumSignificantDigits: 3 });
}

/** Seconds -> "4.2 s", "48 s", "3 min 05 s", "2 h 05 min". */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${seconds < 10 ? Number(seconds.toFixed(1)) : whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${twoDigits(whole % 60)} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}

/** 1 -> "1 query", 5 -> "5 queries". */
export function countOf(count: number, singular: string, plural = `${singular}s`): string {
  return `${formatCount(count)} ${count === 1 ? singular : plural}`;
}
