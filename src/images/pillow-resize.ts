/** Resizing as Pillow does it, bit for bit. libvips, which sharp uses, rounds otherwise and shifts what it enlarges. */
import type { DecodedImage } from "./image.js";
import { type AxisWeights, axisWeights, type Resample, type ResizedAxis, weightBits } from "./resample.js";

/** What is made of a picture; only the wanted part is computed. */
export interface PillowResize {
  readonly across: ResizedAxis;
  readonly down: ResizedAxis;
  readonly resample: Resample;
}

/** The whole of an axis of `fromPx` as `toPx`. */
export function wholeAxis(fromPx: number, toPx: number): ResizedAxis {
  return { canvasPx: fromPx, resizedPx: toPx, first: 0, count: toPx, offsetPx: 0, picturePx: fromPx };
}

/**
 * Two passes, across and then down, each rounded to 8 bits: y = clamp(round(sum of weight · x)), weights as `axisWeights`
 * gives them. [h, w, 3] -> [down.count, across.count, 3]. As Image.resize of Pillow 9.4 (Resample.c), whose box is the canvas.
 */
export function pillowResize(picture: DecodedImage, { across, down, resample }: PillowResize): DecodedImage {
  const columns = axisWeights(across, resample);
  const rows = axisWeights(down, resample);
  const needed = neededRows(rows);
  const narrow = resizeRows(picture, columns, needed);
  return {
    data: resizeColumns(narrow, rows, { rowBytes: across.count * 3, firstRow: needed.start }),
    widthPx: across.count,
    heightPx: down.count,
  };
}

interface Span {
  readonly start: number;
  readonly end: number;
}

function neededRows({ starts, lengths }: AxisWeights): Span {
  let [start, end] = [Number.POSITIVE_INFINITY, 0];
  for (const [i, length] of lengths.entries()) {
    if (length === 0) continue;
    start = Math.min(start, starts[i] ?? 0);
    end = Math.max(end, (starts[i] ?? 0) + length);
  }
  return end === 0 ? { start: 0, end: 0 } : { start, end };
}

/** Half of the last bit that is kept. */
const half = 1 << (weightBits - 1);

function resizeRows({ data, widthPx }: DecodedImage, columns: AxisWeights, { start, end }: Span): Uint8Array {
  const { starts, lengths, weights, stride } = columns;
  const count = starts.length;
  const result = new Uint8ClampedArray((end - start) * count * 3);
  for (let y = start; y < end; y += 1) {
    const row = y * widthPx * 3;
    for (let x = 0; x < count; x += 1) {
      let [red, green, blue] = [half, half, half];
      let from = row + (starts[x] as number) * 3;
      const first = x * stride;
      const last = first + (lengths[x] as number);
      for (let k = first; k < last; k += 1, from += 3) {
        const weight = weights[k] as number;
        red += (data[from] as number) * weight;
        green += (data[from + 1] as number) * weight;
        blue += (data[from + 2] as number) * weight;
      }
      const to = ((y - start) * count + x) * 3;
      result[to] = red >> weightBits;
      result[to + 1] = green >> weightBits;
      result[to + 2] = blue >> weightBits;
    }
  }
  return new Uint8Array(result.buffer);
}

function resizeColumns(
  narrow: Uint8Array,
  { starts, lengths, weights, stride }: AxisWeights,
  { rowBytes, firstRow }: { readonly rowBytes: number; readonly firstRow: number },
): Uint8Array {
  const result = new Uint8ClampedArray(starts.length * rowBytes);
  const sums = new Int32Array(rowBytes);
  for (let y = 0; y < starts.length; y += 1) {
    sums.fill(half);
    let from = ((starts[y] as number) - firstRow) * rowBytes;
    for (let k = 0; k < (lengths[y] as number); k += 1) {
      const weight = weights[y * stride + k] as number;
      for (let i = 0; i < rowBytes; i += 1, from += 1) {
        sums[i] = (sums[i] as number) + (narrow[from] as number) * weight;
      }
    }
    for (let i = 0; i < rowBytes; i += 1) result[y * rowBytes + i] = (sums[i] as number) >> weightBits;
  }
  return new Uint8Array(result.buffer);
}
