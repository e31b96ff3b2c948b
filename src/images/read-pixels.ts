/** A picture's file as all of its pixels. */
import { readBitmapFile } from "./bitmap.js";
import type { DecodedImage } from "./image.js";
import { type ReadOptions, readImage } from "./read-image.js";

/**
 * A JPEG, PNG, WebP or BMP in its own size, otherwise as `readImage` gives it: upright, on white, 8-bit sRGB.
 * [height, width, 3], 0 to 255. The original code of CLIP leaves photos as the camera held them, and drops transparency so
 * that whatever colour lies below shows.
 * @throws ImageError as `readImage`.
 */
export async function readPixels(file: string, options: ReadOptions = {}): Promise<DecodedImage> {
  const bitmap = await readBitmapFile(file);
  if (bitmap) return bitmap;
  const reading = { formatNames: "JPEG, PNG, WebP or BMP", ...options };
  const { value, note } = await readImage(file, reading, (image) =>
    image.toColourspace("srgb").raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true }),
  );
  const { data, info } = value;
  return { data, widthPx: info.width, heightPx: info.height, note };
}
