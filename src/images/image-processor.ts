/** How a picture becomes what a pretrained tower sees: resized, cut, and scaled as the tower's folder states. */
import { ImageError } from "../errors.js";
import type { DecodedImage } from "./image.js";
import { pillowResize } from "./pillow-resize.js";
import type { Resample } from "./resample.js";

type PerChannel = readonly [red: number, green: number, blue: number];

export interface SizePx {
  readonly widthPx: number;
  readonly heightPx: number;
}

/** What a picture is resized to; `shortSide` keeps its proportions, `exact` does not. */
export type ResizeRule =
  | { readonly kind: "shortSide"; readonly px: number }
  | ({ readonly kind: "exact" } & SizePx)
  | { readonly kind: "none" };

/**
 * Ways to a tower's size that a user may choose instead of the folder's own: `crop` cuts the middle, `pad` first makes
 * the sides differ by at most `targetRatio` with black, `squash` changes the proportions.
 */
export type ProcessorFit = "crop" | "pad" | "squash";

/** CLIP4Cir's "target pad": https://github.com/ABaldrati/CLIP4Cir. */
const targetRatio = 1.25;

/** What preprocessor_config.json states. */
export interface ImageProcessor {
  readonly resize: ResizeRule;
  readonly resample: Resample;
  /** What the tower sees: after resizing, the middle of this size, black where the picture is smaller. */
  readonly outputPx: SizePx;
  /** Without it, the folder's own way. */
  readonly fit?: ProcessorFit | undefined;
  /** The tower sees (value · rescaleFactor - mean) / deviation, value in 0..255. */
  readonly rescaleFactor: number;
  readonly mean: PerChannel;
  readonly deviation: PerChannel;
}

/** A side may become this long, of which only the middle is computed. */
const maxResizedPx = 2 ** 30;

/**
 * A picture as the tower sees it, before its values are scaled: [height, width, 3] of `outputPx`, 0 to 255.
 * @param where names the picture in the error.
 * @throws ImageError for a picture so thin that its long side cannot be resized.
 */
export function processImage(picture: DecodedImage, processor: ImageProcessor, where: string): DecodedImage {
  const canvas = processor.fit === "pad" ? paddedSize(picture) : picture;
  const resized = resizedSize(canvas, processor);
  if (Math.max(resized.widthPx, resized.heightPx) > maxResizedPx) {
    throw new ImageError(
      `${where}: is too thin to be resized; got ${picture.widthPx} x ${picture.heightPx}; cut it`,
    );
  }
  const axis = (side: keyof SizePx) => ({
    canvasPx: canvas[side],
    resizedPx: resized[side],
    first: Math.floor((resized[side] - processor.outputPx[side]) / 2),
    count: processor.outputPx[side],
    offsetPx: (canvas[side] - picture[side]) / 2,
    picturePx: picture[side],
  });
  return pillowResize(picture, {
    across: axis("widthPx"),
    down: axis("heightPx"),
    resample: processor.resample,
  });
}

/** Values as the tower sees them, a plane for each channel: [h, w, 3] of 0..255 -> float32 [3, h, w]. */
export function normalisePixels(
  { data, widthPx, heightPx }: DecodedImage,
  { rescaleFactor, mean, deviation }: ImageProcessor,
): Float32Array {
  const size = widthPx * heightPx;
  const result = new Float32Array(3 * size);
  for (const channel of [0, 1, 2] as const) {
    for (let i = 0; i < size; i += 1) {
      const value = (data[i * 3 + channel] as number) * rescaleFactor;
      result[channel * size + i] = (value - mean[channel]) / deviation[channel];
    }
  }
  return result;
}

function paddedSize({ widthPx, heightPx }: SizePx): SizePx {
  const long = Math.max(widthPx, heightPx);
  if (long / Math.min(widthPx, heightPx) < targetRatio) return { widthPx, heightPx };
  const padded = (px: number) => px + 2 * Math.max(Math.trunc((long / targetRatio - px) / 2), 0);
  return { widthPx: padded(widthPx), heightPx: padded(heightPx) };
}

function resizedSize(canvas: SizePx, { resize, outputPx, fit }: ImageProcessor): SizePx {
  if (fit === "squash") return outputPx;
  if (resize.kind === "shortSide") return withShortSide(canvas, resize.px);
  if (fit === undefined) return resize.kind === "exact" ? resize : canvas;
  return covering(canvas, outputPx);
}

/** As the processors of Hugging Face compute it: the long side is rounded down. */
function withShortSide({ widthPx, heightPx }: SizePx, px: number): SizePx {
  return widthPx <= heightPx
    ? { widthPx: px, heightPx: Math.trunc((px * heightPx) / widthPx) }
    : { widthPx: Math.trunc((px * widthPx) / heightPx), heightPx: px };
}

/** The smallest size of the same proportions that leaves nothing of `outputPx` black. */
function covering(canvas: SizePx, outputPx: SizePx): SizePx {
  const isWide = canvas.widthPx * outputPx.heightPx > canvas.heightPx * outputPx.widthPx;
  return isWide
    ? {
        widthPx: Math.trunc((outputPx.heightPx * canvas.widthPx) / canvas.heightPx),
        heightPx: outputPx.heightPx,
      }
    : {
        widthPx: outputPx.widthPx,
        heightPx: Math.trunc((outputPx.widthPx * canvas.heightPx) / canvas.widthPx),
      };
}
