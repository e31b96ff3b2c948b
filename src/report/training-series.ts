/** What the training curves show, taken out of the recorded metrics. */
import type { EpochMetrics, Metrics, StepMetrics } from "../runs/metrics.js";

export type Point = readonly [x: number, y: number];

/** The steps among `metrics`, in order. */
export function stepsOf(metrics: readonly Metrics[]): readonly StepMetrics[] {
  return metrics.filter((entry) => entry.kind === "step");
}

/** The epochs among `metrics`, in order. */
export function epochsOf(metrics: readonly Metrics[]): readonly EpochMetrics[] {
  return metrics.filter((entry) => entry.kind === "epoch");
}

/**
 * At most `maxPoints` points: neighbours are averaged in groups of equal size (the last may be
 * smaller), x and y alike. Points whose y is not finite are left out of the averages.
 */
export function averaged(points: readonly Point[], maxPoints: number): readonly Point[] {
  const finite = points.filter(([, y]) => Number.isFinite(y));
  const size = Math.max(1, Math.ceil(finite.length / maxPoints));
  const groups: Point[] = [];
  for (let start = 0; start < finite.length; start += size) {
    const group = finite.slice(start, start + size);
    groups.push([mean(group.map(([x]) => x)), mean(group.map(([, y]) => y))]);
  }
  return groups;
}

/** Arithmetic mean; NaN of nothing. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
