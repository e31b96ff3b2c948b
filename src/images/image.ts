/** Decodes image files to 8-bit RGB of one size. */
import { readFile, stat } from "node:fs/promises";
import sharp, { type Sharp } from "sharp";
import { ImageError } from "../errors.js";
import { imageFormatOf, isDecodable } from "./image-format.js";

/** How an image becomes a square: `squash` changes its proportions, `pad` adds white at two sides. */
export const imageFits = ["squash", "pad"] as const;
export type ImageFit = (typeof imageFits)[number];

/** How pixels are weighed when a picture is resized; sharp's names. */
export const resizeKernels = ["lanczos3", "cubic", "linear"] as const;
export type ResizeKernel = (typeof resizeKernels)[number];

/** What to decode an image to. */
export interface DecodeOptions {
  /** Side of the square. */
  readonly resizePx: number;
  readonly fit?: ImageFit;
  /** "lanczos3" by default. */
  readonly kernel?: ResizeKernel;
  /** What to call the image in errors; the path by default. */
  readonly name?: string;
  /** Larger images are refused before they are decoded. */
  readonly maxPixels?: number;
}

/** Pixels, row by row, red green blue, 0 to 255. */
export interface DecodedImage {
  /** [heightPx, widthPx, 3] */
  readonly data: Uint8Array;
  readonly widthPx: number;
  readonly heightPx: number;
}

/** Four times a usual photo; one such image takes 200 MB while it is decoded. */
const defaultMaxPixels = 64e6;
/** No photo of `defaultMaxPixels` needs more. */
const maxFileSizeBytes = 256 * 2 ** 20;
const white = { r: 255, g: 255, b: 255 };

/**
 * A JPEG, PNG or WebP as a square of 8-bit sRGB: turned upright as its EXIF data say, on white
 * where transparent, the first picture of an animation; greyscale, palette, CMYK and 16-bit are
 * converted (sharp's defaults). Decoding runs outside the main thread.
 * @param source a path, or the bytes of a file.
 * @throws ImageError when the file is missing, empty, damaged, too large, or of another format.
 */
export async function decodeImage(
  source: string | Uint8Array,
  { resizePx, fit = "squash", kernel = "lanczos3", name, maxPixels = defaultMaxPixels }: DecodeOptions,
): Promise<DecodedImage> {
  const label = name ?? (typeof source === "string" ? source : "image");
  const image = await openImage(source, label, maxPixels);
  const resized = image.resize(resizePx, resizePx, {
    fit: fit === "pad" ? "contain" : "fill",
    background: white,
    kernel,
  });
  const { data, info } = await run(label, () =>
    resized.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true }),
  );
  return { data, widthPx: info.width, heightPx: info.height };
}

/**
 * A small copy for reports, as the text of an image address (JPEG, longer side `px`).
 * @throws ImageError as decodeImage.
 */
export async function thumbnailDataUri(path: string, px: number): Promise<string> {
  const image = await openImage(path, path, defaultMaxPixels);
  const bytes = await run(path, () =>
    image.resize(px, px, { fit: "inside" }).jpeg({ quality: 80 }).toBuffer(),
  );
  return `data:image/jpeg;base64,${bytes.toString("base64")}`;
}

/**
 * A small copy to keep: WebP, longer side at most `px`, never enlarged; turned and flattened as decodeImage does.
 * @param source a path, or the bytes of a file.
 * @throws ImageError as decodeImage.
 */
export async function thumbnail(source: string | Uint8Array, px: number): Promise<Uint8Array> {
  const name = typeof source === "string" ? source : "image";
  const image = await openImage(source, name, defaultMaxPixels);
  return run(name, () =>
    image.resize(px, px, { fit: "inside", withoutEnlargement: true }).webp({ quality: 80 }).toBuffer(),
  );
}

/** Checks everything that can be checked before decoding. */
async function openImage(source: string | Uint8Array, name: string, maxPixels: number): Promise<Sharp> {
  const bytes = typeof source === "string" ? await readImageFile(source, name) : source;
  if (bytes.length === 0) throw new ImageError(`${name}: the file is empty; fetch it again or remove it`);
  const format = imageFormatOf(bytes);
  if (!isDecodable(format)) {
    throw new ImageError(
      `${name}: must be a JPEG, PNG or WebP image; got ${format}; convert it or leave it out`,
    );
  }
  // Warnings are common in photos that every viewer shows; errors and missing ends are not.
  const image = sharp(bytes, { failOn: "error", limitInputPixels: false });
  const { width, height } = await run(name, () => image.metadata());
  if (width * height > maxPixels) {
    throw new ImageError(
      `${name}: has more than ${maxPixels / 1e6} megapixels; got ${width} x ${height}; make it smaller`,
    );
  }
  return image.autoOrient().flatten({ background: white });
}

async function readImageFile(path: string, name: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > maxFileSizeBytes) {
      throw new ImageError(
        `${name}: the file is larger than ${maxFileSizeBytes} bytes; got ${size}; make it smaller`,
      );
    }
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    const reason = code === "ENOENT" ? "there is no such file" : `the file cannot be read; got ${cause}`;
    throw new ImageError(`${name}: ${reason}; check the path`, { cause });
  }
}

async function run<T>(name: string, decode: () => Promise<T>): Promise<T> {
  try {
    return await decode();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ImageError(`${name}: the image is damaged; got ${reason}; fetch it again or remove it`, {
      cause,
    });
  }
}
