/** The options that say where resized images are kept for later runs. */
import { homedir } from "node:os";
import { join } from "node:path";
import { type DiskCacheOptions, defaultDiskCacheBytes } from "../../files/disk-cache.js";
import { option, type Values } from "./option.js";
import { text, wholeNumber } from "./option-types.js";

const bytesPerGigabyte = 1e9;

export const imageCacheOptions = [
  option("--image-cache <dir>", 'folder of resized images, or "off"', text, {
    otherwise: "SDFN_IMAGE_CACHE, else sdfn/images in the user's cache folder",
  }),
  option("--image-cache-gb <n>", "bound on that folder in GB", wholeNumber({ min: 1, max: 100_000 }), {
    default: defaultDiskCacheBytes / bytesPerGigabyte,
  }),
];

/** Where resized images are kept, or undefined for nowhere. */
export function imageCacheOf(
  { imageCache, imageCacheGb }: Values<typeof imageCacheOptions>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): DiskCacheOptions | undefined {
  const folder = imageCache ?? (environment.SDFN_IMAGE_CACHE || defaultFolder(environment));
  if (folder === "off") return undefined;
  return { folder, maxBytes: imageCacheGb * bytesPerGigabyte };
}

/** The folder that each system has for caches. */
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
