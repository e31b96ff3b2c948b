/** What a picture may cost, told by its header: one rule, kept before anything is decoded, wherever pictures come in. */
import { ImageError } from "../errors.js";

/** Four times a usual photo; one such image takes 200 MB while it is decoded. */
const defaultMaxPixels = 64e6;
/** No photo of `defaultMaxPixels` needs more. */
export const maxFileSizeBytes = 256 * 2 ** 20;
/** Decoding costs by the row as well as by the pixel. JPEG and WebP have no longer sides; PNG has. */
const maxSidePx = 65_535;
/** Ten times the largest profiles that printers come with. */
const maxProfileBytes = 8 * 2 ** 20;
/** Decoded bytes of a pixel at the most pixels; pictures with more of them may have fewer pixels. */
const bytesOfPixel = 4;
/** Scans at the most pixels, of which each costs a walk over all of them; usual encoders write 10 of any picture. */
const scansAtMost = 16;
/** Of a picture of any size. */
const scansOfAny = 1000;
/**
 * Ten times what the worst picture within these limits takes. The second guard: the decoder looks at its clock between
 * strips of what it gives, so a picture that becomes small may take longer before it is given up.
 */
export const decodeTimeoutSeconds = 20;

/** What a header says. */
export interface ImageCost {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly channels: number;
  /** Of a sample as it is decoded. */
  readonly bits: number;
  /** Of a JPEG; 1 otherwise. */
  readonly scans: number;
  readonly profileBytes: number;
}

/** @throws ImageError naming `name` for what costs more. @param maxPixels raises or lowers what goes by size. */
export function requireAffordable(cost: ImageCost, name: string, maxPixels: number = defaultMaxPixels): void {
  const problem = tooCostly(cost, maxPixels);
  if (problem !== undefined) throw new ImageError(`${name}: ${problem}`);
}

function tooCostly(cost: ImageCost, maxPixels: number): string | undefined {
  const { widthPx, heightPx, channels, bits, scans, profileBytes } = cost;
  const size = `${widthPx} x ${heightPx}`;
  const pixels = widthPx * heightPx;
  if (pixels > maxPixels) return `has more than ${maxPixels / 1e6} megapixels; got ${size}; make it smaller`;
  if (Math.max(widthPx, heightPx) > maxSidePx) {
    return `a side is longer than ${maxSidePx} pixels; got ${size}; make it smaller`;
  }
  const decodedBytes = (pixels * channels * bits) / 8;
  if (decodedBytes > maxPixels * bytesOfPixel) {
    return (
      `takes more than ${maxPixels * bytesOfPixel} bytes decoded; got ${decodedBytes} for ${size} ` +
      `with ${channels} channels of ${bits} bits; make it smaller, or save it with 8 bits`
    );
  }
  const maxScans = Math.min(scansOfAny, Math.floor((scansAtMost * maxPixels) / pixels));
  if (scans > maxScans) {
    return `a progressive JPEG of ${size} pixels may have ${maxScans} scans; got ${scans}; save it as a usual JPEG`;
  }
  if (profileBytes > maxProfileBytes) {
    return (
      `its colour profile has more than ${maxProfileBytes} bytes; got ${profileBytes}; ` +
      "save it as sRGB without a profile"
    );
  }
  return undefined;
}
