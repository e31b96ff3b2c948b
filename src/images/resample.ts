/** How resizing weighs pixels along one axis: Pillow's filters and its integer weights. */

/** Pillow's number of each filter, as preprocessor_config.json states it. */
export const resampleNumbers = { nearest: 0, lanczos: 1, bilinear: 2, bicubic: 3 } as const;
export type Resample = keyof typeof resampleNumbers;

/** Weights are whole numbers; this many of their bits are behind the point. */
export const weightBits = 22;

/** One axis of a resize. */
export interface ResizedAxis {
  /** Length of the canvas that is resized, and what it becomes. */
  readonly canvasPx: number;
  readonly resizedPx: number;
  /** Which results are wanted: `count` of them from `first` on. Those beyond the ends are black. */
  readonly first: number;
  readonly count: number;
  /** Where the picture lies on the canvas, black around it. */
  readonly offsetPx: number;
  readonly picturePx: number;
}

/** For each result: which pixels of the picture count, and how much. */
export interface AxisWeights {
  /** [count], first pixel of the picture. */
  readonly starts: Int32Array;
  /** [count], number of pixels; 0 gives black. */
  readonly lengths: Int32Array;
  /** [count, stride], in units of 2^-weightBits. */
  readonly weights: Int32Array;
  readonly stride: number;
}

interface Filter {
  /** The filter is 0 further from the centre than this. */
  readonly support: number;
  readonly weigh: (x: number) => number;
}

/** As Pillow's Resample.c has them. */
const filters: Readonly<Record<Exclude<Resample, "nearest">, Filter>> = {
  lanczos: { support: 3, weigh: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
  bilinear: { support: 1, weigh: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, weigh: (x) => cubic(Math.abs(x), -0.5) },
};

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

/** Keys' cubic filter at a distance x from its centre. */
export function cubic(x: number, a: number): number {
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/** The weights of one axis: the filter is widened where the axis shrinks, and its weights add up to 1. */
export function axisWeights(axis: ResizedAxis, resample: Resample): AxisWeights {
  return resample === "nearest" ? nearestWeights(axis) : filterWeights(axis, filters[resample]);
}

function filterWeights(axis: ResizedAxis, { support, weigh }: Filter): AxisWeights {
  const scale = axis.canvasPx / axis.resizedPx;
  const spread = Math.max(scale, 1);
  const reach = support * spread;
  const stride = Math.min(Math.ceil(reach) * 2 + 1, axis.canvasPx);
  const result = emptyWeights(axis.count, stride);
  const real = new Float64Array(stride);
  for (let i = 0; i < axis.count; i += 1) {
    if (!isInside(axis, i)) continue;
    const centre = (axis.first + i + 0.5) * scale;
    const start = Math.max(Math.trunc(centre - reach + 0.5), 0);
    const end = Math.min(Math.trunc(centre + reach + 0.5), axis.canvasPx);
    let total = 0;
    for (let k = start; k < end; k += 1) {
      const weight = weigh((k - centre + 0.5) * (1 / spread));
      real[k - start] = weight;
      total += weight;
    }
    place(result, axis, { i, start, end }, (k) => fixed((real[k] ?? 0) / total));
  }
  return result;
}

/** Pillow adds the scale up, step by step; so the same pixels are met where a sum is rounded. */
function nearestWeights(axis: ResizedAxis): AxisWeights {
  const result = emptyWeights(axis.count, 1);
  const scale = axis.canvasPx / axis.resizedPx;
  let position = scale * 0.5;
  for (let at = 0; at < Math.min(axis.first + axis.count, axis.resizedPx); at += 1, position += scale) {
    const start = Math.trunc(position);
    if (at < axis.first || start >= axis.canvasPx) continue;
    place(result, axis, { i: at - axis.first, start, end: start + 1 }, () => 2 ** weightBits);
  }
  return result;
}

function emptyWeights(count: number, stride: number): AxisWeights {
  return {
    starts: new Int32Array(count),
    lengths: new Int32Array(count),
    weights: new Int32Array(count * stride),
    stride,
  };
}

function isInside({ first, resizedPx }: ResizedAxis, i: number): boolean {
  return first + i >= 0 && first + i < resizedPx;
}

/** Sets the weights of result `i` for pixels `start` to `end` of the canvas; those beside the picture add nothing. */
function place(
  { starts, lengths, weights, stride }: AxisWeights,
  { offsetPx, picturePx }: ResizedAxis,
  { i, start, end }: { readonly i: number; readonly start: number; readonly end: number },
  weightOf: (k: number) => number,
): void {
  const from = Math.max(start, offsetPx);
  const to = Math.min(end, offsetPx + picturePx);
  if (to <= from) return;
  starts[i] = from - offsetPx;
  lengths[i] = to - from;
  for (let k = from; k < to; k += 1) weights[i * stride + k - from] = weightOf(k - start);
}

/** Rounded half away from zero. */
function fixed(weight: number): number {
  return Math.trunc(weight * 2 ** weightBits + (weight < 0 ? -0.5 : 0.5));
}
