/** Where an interval chart puts what it draws. */

/** A length in the chart, in CSS pixels at nominal size. */
export interface IntervalLayout {
  readonly widthPx: number;
  readonly heightPx: number;
  /** Ends of the axis. */
  readonly leftPx: number;
  readonly rightPx: number;
  readonly rowPx: number;
  /** Are names above their lines, as on a phone? */
  readonly isNarrow: boolean;
  /** Marks of the axis. */
  readonly ticks: readonly number[];
  x(value: number): number;
  /** Middle of a row's line. */
  y(row: number): number;
}

/** Of a row's name. */
const characterPx = 8.3;

/** Places `rowCount` rows on an axis that holds all `values`, widened to whole marks, right of the longest name. */
export function intervalLayout(
  values: readonly number[],
  {
    rowCount,
    nameLength,
    isNarrow,
  }: { readonly rowCount: number; readonly nameLength: number; readonly isNarrow: boolean },
): IntervalLayout {
  const ticks = niceTicks(Math.min(...values), Math.max(...values), isNarrow ? 4 : 7);
  const [low = 0, high = 1] = [ticks[0], ticks.at(-1)];
  const widthPx = isNarrow ? 400 : 1000;
  const namesPx = Math.min(440, Math.max(190, 24 + characterPx * nameLength));
  const [leftPx, rightPx] = isNarrow ? [14, widthPx - 14] : [namesPx, widthPx - 190];
  const rowPx = isNarrow ? 46 : 32;
  const lineOffset = isNarrow ? 32 : rowPx / 2;
  return {
    widthPx,
    heightPx: rowCount * rowPx + 30,
    leftPx,
    rightPx,
    rowPx,
    isNarrow,
    ticks,
    x: (value) => leftPx + ((value - low) / (high - low)) * (rightPx - leftPx),
    y: (row) => row * rowPx + lineOffset,
  };
}

/** Marks 1, 2 or 5 times a power of ten apart, about `count` of them, around `low` to `high`. */
export function niceTicks(low: number, high: number, count: number): readonly number[] {
  const span = high - low > 1e-9 ? high - low : 1;
  const raw = span / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= raw) ?? 10);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}
