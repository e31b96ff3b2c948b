// Medians and quantiles of what was measured.

/** The value that a share `q` of the others does not exceed. @param {number[]} values */
export function quantile(values, q) {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * q;
  const [low, high] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return low + (high - low) * (place - Math.floor(place));
}

/** @param {number[]} values */
export function median(values) {
  return quantile(values, 0.5);
}

/** The median of a peer's times over ours, pair by pair; null without a peer. @param {number[]} ours @param {number[]} theirs */
export function medianRatio(ours, theirs) {
  return theirs.length === 0 ? null : median(ours.map((time, i) => theirs[i] / time));
}
