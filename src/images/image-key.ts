/** Names what a resized image was made of: the file as it is now, the settings, and the decoder. */
import { realpath, stat } from "node:fs/promises";
import sharp from "sharp";
import { sha256Of } from "../files/sha256.js";
import type { ImageFit, ResizeKernel } from "./image.js";

/** Raised when `decodeImage` gives other pixels for the same file. */
const pixelsVersion = 2;
const decoder = `${pixelsVersion} sharp ${sharp.versions.sharp} libvips ${sharp.versions.vips}`;

/**
 * 64 hexadecimal digits that change when the file is replaced, written to, or moved (path, length, and times of the last
 * change of content and of the file's entry, in nanoseconds), or with any setting; undefined where there is no file.
 */
export async function resizedImageKey(
  path: string,
  { sizePx, fit, kernel }: { readonly sizePx: number; readonly fit: ImageFit; readonly kernel: ResizeKernel },
): Promise<string | undefined> {
  try {
    const [place, { size, mtimeNs, ctimeNs }] = await Promise.all([
      realpath(path),
      stat(path, { bigint: true }),
    ]);
    const settings = kernel === "lanczos3" ? [sizePx, fit] : [sizePx, fit, kernel];
    const facts = [decoder, ...settings, place, size, mtimeNs, ctimeNs];
    return sha256Of(facts.join("\0"));
  } catch {
    return undefined; // decoding says what is wrong with it
  }
}
