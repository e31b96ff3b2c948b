/** Decodes image files to 8-bit RGB of one size. */
import { type ReadOptions, readImage } from "./read-image.js";

/** How an image becomes a square: `squash` changes its proportions, `pad` adds white at two sides. */
export const imageFits = ["squash", "pad"] as const;
export type ImageFit = (typeof imageFits)[number];

/** How pixels are weighed when a picture is resized; sharp's names. */
export const resizeKernels = ["lanczos3", "cubic", "linear"] as const;
export type ResizeKernel = (typeof resizeKernels)[number];

/** What to decode an image to. */
export interface DecodeOptions extends ReadOptions {
  /** Side of the square. */
  readonly resizePx: number;
  readonly fit?: ImageFit;
  /** "lanczos3" by default. */
  readonly kernel?: ResizeKernel;
}

/** Pixels, row by row, red green blue, 0 to 255. */
export interface DecodedImage {
  /** [heightPx, widthPx, 3] */
  readonly data: Uint8Array;
  readonly widthPx: number;
  readonly heightPx: number;
  /** What is wrong with the file and did not matter; for a person. */
  readonly note?: string | undefined;
}

const white = { r: 255, g: 255, b: 255 };

/**
 * A JPEG, PNG or WebP as a square of 8-bit sRGB, read as `readImage` does. Decoding runs outside the main thread.
 * @param source a path, or the bytes of a file.
 * @throws ImageError as `readImage`.
 * @example
 * import { decodeImage } from "sdfn";
 * const { data, widthPx, heightPx } = await decodeImage("photo.jpg", { resizePx: 64, fit: "pad" });
 * console.log(widthPx, heightPx, data.length); // 64 64 12288
 */
export async function decodeImage(
  source: string | Uint8Array,
  { resizePx, fit = "squash", kernel = "lanczos3", ...reading }: DecodeOptions,
): Promise<DecodedImage> {
  const { value, note } = await readImage(source, reading, (image) =>
    image
      .resize(resizePx, resizePx, { fit: fit === "pad" ? "contain" : "fill", background: white, kernel })
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true }),
  );
  const { data, info } = value;
  return { data, widthPx: info.width, heightPx: info.height, note };
}

/**
 * A small copy for reports, as the text of an image address (JPEG, longer side `px`).
 * @throws ImageError as `readImage`.
 */
export async function thumbnailDataUri(path: string, px: number): Promise<string> {
  const { value } = await readImage(path, {}, (image) =>
    image.resize(px, px, { fit: "inside" }).jpeg({ quality: 80 }).toBuffer(),
  );
  return `data:image/jpeg;base64,${value.toString("base64")}`;
}

/**
 * A small copy to keep: WebP, longer side at most `px`, never enlarged; turned and flattened as decodeImage does.
 * @param source a path, or the bytes of a file.
 * @throws ImageError as `readImage`.
 */
export async function thumbnail(source: string | Uint8Array, px: number): Promise<Uint8Array> {
  const { value } = await readImage(source, {}, (image) =>
    image.resize(px, px, { fit: "inside", withoutEnlargement: true }).webp({ quality: 80 }).toBuffer(),
  );
  return value;
}
