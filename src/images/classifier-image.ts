/** Images as ImageNet's classifiers are evaluated on them. */
import { readFile, stat } from "node:fs/promises";
import sharp, { type Sharp } from "sharp";
import { ImageError } from "../errors.js";
import { isBitmap, readBitmap } from "./bitmap.js";
import { imageFormatOf, isDecodable } from "./image-format.js";

const RESIZE_PX = 256;
const CROP_PX = 224;
const MAX_FILE_BYTES = 256 * 2 ** 20;
const MAX_PIXELS = 64e6;

/**
 * The middle square of a JPEG, PNG, WebP or BMP after its shorter side was made 256 px, proportions kept:
 * [224, 224, 3], red green blue, 0 to 255. torchvision's evaluation recipe (bilinear).
 * @throws ImageError when the file is missing, damaged, too large or of another format.
 */
export async function readClassifierImage(
  file: string,
): Promise<{ readonly data: Uint8Array; readonly sizePx: number }> {
  try {
    const { size } = await stat(file);
    if (size > MAX_FILE_BYTES)
      throw new ImageError(
        `${file}: must have at most ${MAX_FILE_BYTES} bytes; got ${size}; make it smaller`,
      );
    const image = open(await readFile(file), file);
    const { data, info } = await image
      .autoOrient()
      .flatten({ background: "white" })
      .toColourspace("srgb")
      .resize(RESIZE_PX, RESIZE_PX, { fit: "outside", kernel: "linear" })
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    return { data: cutMiddle(data, info), sizePx: CROP_PX };
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ImageError(`${file}: cannot be read; got ${reason}; check the path and the image`, { cause });
  }
}

function open(bytes: Uint8Array, name: string): Sharp {
  if (isBitmap(bytes)) {
    const { data, widthPx, heightPx } = readBitmap(bytes, name);
    return sharp(data, { raw: { width: widthPx, height: heightPx, channels: 3 } });
  }
  const format = imageFormatOf(bytes);
  if (!isDecodable(format))
    throw new ImageError(`${name}: must be a JPEG, PNG, WebP or BMP image; got ${format}; convert it`);
  return sharp(bytes, { failOn: "error", limitInputPixels: MAX_PIXELS });
}

function cutMiddle(
  pixels: Uint8Array,
  { width, height, channels }: { readonly width: number; readonly height: number; readonly channels: number },
): Uint8Array {
  const result = new Uint8Array(CROP_PX * CROP_PX * 3);
  const [left, top] = [Math.round((width - CROP_PX) / 2), Math.round((height - CROP_PX) / 2)];
  for (let y = 0; y < CROP_PX; y += 1) {
    const from = ((top + y) * width + left) * channels;
    result.set(pixels.subarray(from, from + CROP_PX * channels), y * CROP_PX * 3);
  }
  return result;
}
