/** The options that say where resized images are kept for later runs. */
import { homedir } from "node:os";
import { join } from "node:path";
import type { DiskCacheOptions } from "../../files/disk-cache.js";
import { textFlag, wholeNumberFlag } from "./flags.js";

/** Schema of the options, for `readFlags`. */
export const imageCacheFields = {
  imageCache: textFlag.optional(),
  imageCacheGb: wholeNumberFlag({ min: 1, max: 100_000 }).optional(),
};

/** For commander's `option`. */
export const imageCacheOption = [
  "--image-cache <dir>",
  'folder of resized images, or "off" (default SDFN_IMAGE_CACHE, else sdfn/images in the user\'s cache folder)',
] as const;
export const imageCacheBoundOption = [
  "--image-cache-gb <n>",
  "bound on that folder in GB (default 10)",
] as const;

/** Where resized images are kept, or undefined for nowhere. */
export function imageCacheOf(
  {
    imageCache,
    imageCacheGb,
  }: { readonly imageCache?: string | undefined; readonly imageCacheGb?: number | undefined },
  environment: Readonly<Record<string, string | undefined>> = process.env,
): DiskCacheOptions | undefined {
  const folder = imageCache ?? (environment.SDFN_IMAGE_CACHE || defaultFolder(environment));
  if (folder === "off") return undefined;
  return { folder, ...(imageCacheGb === undefined ? {} : { maxBytes: imageCacheGb * 1e9 }) };
}

/** What each system sets aside for what can be made again. */
function defaultFolder({
  XDG_CACHE_HOME,
  LOCALAPPDATA,
}: Readonly<Record<string, string | undefined>>): string {
  const ofSystem =
    process.platform === "win32"
      ? LOCALAPPDATA
      : process.platform === "darwin"
        ? join(homedir(), "Library", "Caches")
        : XDG_CACHE_HOME;
  return join(ofSystem || join(homedir(), ".cache"), "sdfn", "images");
}
