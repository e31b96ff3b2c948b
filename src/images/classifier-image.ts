/** Images as ImageNet's classifiers are evaluated on them. */
import sharp, { type Sharp } from "sharp";
import { ImageError } from "../errors.js";
import { readBitmapFile } from "./bitmap.js";
import { readImage } from "./read-image.js";

const resizePx = 256;
const cropPx = 224;
const longestSides = 100;

/**
 * The middle square of a JPEG, PNG, WebP or BMP after its shorter side was made 256 px, proportions kept:
 * [224, 224, 3], red green blue, 0 to 255. torchvision's evaluation recipe (bilinear).
 * @throws ImageError when the file is missing, damaged, too large or of another format.
 */
export async function readClassifierImage(
  file: string,
): Promise<{ readonly data: Uint8Array; readonly sizePx: number }> {
  const bitmap = await readBitmapFile(file);
  const resize = (image: Sharp) => resized(image, file);
  const { data, info } = bitmap
    ? await resize(
        sharp(bitmap.data, { raw: { width: bitmap.widthPx, height: bitmap.heightPx, channels: 3 } }),
      )
    : (await readImage(file, { formatNames: "JPEG, PNG, WebP or BMP" }, resize)).value;
  return { data: cutMiddle(data, info), sizePx: cropPx };
}

async function resized(image: Sharp, name: string) {
  const { width, height } = await image.metadata();
  // The longer side grows with the shorter one: a line of pixels would become gigabytes.
  if (Math.max(width, height) > longestSides * Math.min(width, height)) {
    throw new ImageError(
      `${name}: one side must be at most ${longestSides} times the other; got ${width} x ${height}; cut it`,
    );
  }
  return image
    .toColourspace("srgb")
    .resize(resizePx, resizePx, { fit: "outside", kernel: "linear" })
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
}

function cutMiddle(
  pixels: Uint8Array,
  { width, height, channels }: { readonly width: number; readonly height: number; readonly channels: number },
): Uint8Array {
  const result = new Uint8Array(cropPx * cropPx * 3);
  const [left, top] = [Math.round((width - cropPx) / 2), Math.round((height - cropPx) / 2)];
  for (let y = 0; y < cropPx; y += 1) {
    const from = ((top + y) * width + left) * channels;
    result.set(pixels.subarray(from, from + cropPx * channels), y * cropPx * 3);
  }
  return result;
}
