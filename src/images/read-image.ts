/** Reads a picture's file: checks all that can be checked before decoding, decodes within a time, and says what is wrong. */
import { readFile, stat } from "node:fs/promises";
import sharp, { type Sharp } from "sharp";
import { ImageError } from "../errors.js";
import { isErrno } from "../files/errno.js";
import { imageDamage } from "./image-damage.js";
import { type DecodableFormat, imageFormatOf, isDecodable, leadingSpace } from "./image-format.js";
import { decodeTimeoutSeconds, maxFileSizeBytes, requireAffordable } from "./image-limits.js";
import { withItsEnd } from "./jpeg-end.js";
import { type JpegScans, jpegScans } from "./jpeg-scans.js";

export interface ReadOptions {
  /** What to call the image in errors; the path by default, "image" for bytes. */
  readonly name?: string | undefined;
  /** Larger images are refused before they are decoded. */
  readonly maxPixels?: number | undefined;
  /** Whole seconds that decoding may take. */
  readonly timeoutSeconds?: number | undefined;
  /** What the caller reads, in the error for anything else. */
  readonly formatNames?: string | undefined;
}

/** What was made of a picture. */
export interface ReadImage<T> {
  readonly value: T;
  /** What is wrong with the file and did not matter; for a person. */
  readonly note: string | undefined;
}

const white = { r: 255, g: 255, b: 255 };

/**
 * Gives `decode` a JPEG, PNG or WebP as 8-bit sRGB: turned upright as its EXIF data say, on white where transparent, the
 * first picture of an animation; greyscale, palette, CMYK, 16-bit and any colour profile are converted. A JPEG that lacks
 * its end marker and no pixel is read, with a note.
 * @param source a path, or the bytes of a file.
 * @throws ImageError when the file is missing, empty, damaged, too large, too slow, or of another format.
 */
export async function readImage<T>(
  source: string | Uint8Array,
  { name = typeof source === "string" ? source : "image", ...limits }: ReadOptions,
  decode: (image: Sharp) => Promise<T>,
): Promise<ReadImage<T>> {
  const file = typeof source === "string" ? await readImageFile(source, name) : source;
  const format = requireDecodable(file, name, limits.formatNames);
  const space = leadingSpace(file);
  const bytes = space === 0 ? file : file.subarray(space);
  const { timeoutSeconds = decodeTimeoutSeconds, maxPixels } = limits;
  const startMs = performance.now();
  try {
    const scans = format === "JPEG" ? jpegScans(bytes) : undefined;
    const { channels, bits, hasProfile } = await checkedHeader(bytes, { name, maxPixels, scans });
    const lacksEnd = scans?.hasEnd === false;
    const whole = lacksEnd ? await withItsEnd(bytes, { areAll: scans.areAll, timeoutSeconds }) : bytes;
    const shallow = hasProfile && bits === 16 ? await in8Bits(whole, { channels, timeoutSeconds }) : whole;
    const image = sharp(shallow, decoding).timeout({ seconds: timeoutSeconds });
    const value = await decode(image.autoOrient().flatten({ background: white }));
    return { value, note: noteOf({ space, lacksEnd }) };
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    if (String(cause).includes("timeout:") || performance.now() - startMs > timeoutSeconds * 1000) {
      const reason = `not decoded within ${timeoutSeconds} s`;
      throw new ImageError(`${name}: ${reason}; make it smaller, or save it again`, { cause });
    }
    const reason = imageDamage(bytes, format);
    throw new ImageError(`${name}: the image is damaged; got ${reason}; fetch it again or remove it`, {
      cause,
    });
  }
}

function noteOf({
  space,
  lacksEnd,
}: {
  readonly space: number;
  readonly lacksEnd: boolean;
}): string | undefined {
  const notes = [
    ...(space > 0 ? [`the file begins with ${space} bytes of white space, which are passed over`] : []),
    ...(lacksEnd ? ["the file ends early; its end marker is missing, and every pixel was read"] : []),
  ];
  return notes.length === 0 ? undefined : notes.join("; ");
}

function requireDecodable(
  bytes: Uint8Array,
  name: string,
  formatNames = "JPEG, PNG or WebP",
): DecodableFormat {
  if (bytes.length === 0) throw new ImageError(`${name}: the file is empty; fetch it again or remove it`);
  const format = imageFormatOf(bytes);
  if (isDecodable(format)) return format;
  throw new ImageError(`${name}: must be a ${formatNames} image; got ${format}; convert it or leave it out`);
}

// Warnings are common in photos that every viewer shows; errors are not. Sizes are checked here.
const decoding = { failOn: "error", limitInputPixels: false } as const;

/** @throws ImageError for a header that promises more than is decoded; what the decoder throws. */
async function checkedHeader(
  bytes: Uint8Array,
  { name, maxPixels, scans }: { name: string; maxPixels: number | undefined; scans: JpegScans | undefined },
) {
  const { width, height, channels, depth, icc } = await sharp(bytes, decoding).metadata();
  const bits = depth === "uchar" ? 8 : 16;
  const profileBytes = icc?.length ?? 0;
  const cost = { widthPx: width, heightPx: height, channels, bits, scans: scans?.count ?? 1, profileBytes };
  requireAffordable(cost, name, maxPixels);
  return { channels, bits, hasProfile: profileBytes > 0 };
}

/**
 * A picture of 16 bits with its profile, in 8 bits with the same: of 16 the decoder takes RGB to another space than sRGB and
 * leaves it there, and passes over profiles of grey.
 */
async function in8Bits(
  bytes: Uint8Array,
  { channels, timeoutSeconds }: { readonly channels: number; readonly timeoutSeconds: number },
): Promise<Uint8Array> {
  return sharp(bytes, decoding)
    .timeout({ seconds: timeoutSeconds })
    .autoOrient()
    .keepIccProfile()
    .toColourspace(channels <= 2 ? "b-w" : "srgb")
    .png({ compressionLevel: 0 })
    .toBuffer();
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
    const reason = isErrno(cause, "ENOENT")
      ? "there is no such file"
      : `the file cannot be read; got ${cause}`;
    throw new ImageError(`${name}: ${reason}; check the path`, { cause });
  }
}
