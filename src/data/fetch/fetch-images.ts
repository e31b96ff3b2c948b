/** Fetches images one by one from their addresses. */
import { join } from "node:path";
import { ImageError } from "../../errors.js";
import { decodeImage } from "../../images/image.js";
import type { PublishedSet, WantedImage } from "../datasets/published-set.js";
import { AddressError } from "./address-error.js";
import type { FetchProblem } from "./fetch-report.js";
import { type FetchSession, fetchBytes } from "./fetch-session.js";
import { inParallel } from "./in-parallel.js";
import { fileSize, storeFile } from "./store.js";

/** Images that are checked are decoded whole, whatever size they are kept in: the smallest is enough. */
const checkPx = 8;

/** Filled while images come, so that an interrupted fetch can say how far it got. */
export class ImageTally {
  fetched = 0;
  fetchedBytes = 0;
  /** Lines of lists that are no address. */
  wrongLines = 0;
  readonly problems: FetchProblem[] = [];

  /** For the end of a progress line. */
  note(): string {
    const megabytes = `${(this.fetchedBytes / 1e6).toFixed(1)} MB`;
    return this.problems.length > 0 ? `${megabytes} · ${this.problems.length} not to be had` : megabytes;
  }
}

/** Wanted images by whether they are in the folder. With `verify`, damaged ones count as missing. */
export async function missingImages(
  { root, limits, signal, progress }: FetchSession,
  set: PublishedSet,
  { images, verify }: { readonly images: readonly WantedImage[]; readonly verify: boolean },
): Promise<readonly WantedImage[]> {
  const find = set.findImages(root);
  const missing = new Set<WantedImage>();
  if (verify) progress.start("checking", images.length, "images");
  let checked = 0;
  await inParallel(images, limits.parallel, async (image) => {
    signal.throwIfAborted();
    const path = find(image);
    if (path === undefined || !(await fileSize(path)) || (verify && !(await isWhole(path))))
      missing.add(image);
    checked += 1;
    if (verify) progress.update(checked, missing.size > 0 ? `${missing.size} missing or damaged` : "");
  });
  return images.filter((image) => missing.has(image));
}

/**
 * Fetches images, checks that they decode, and stores them. What cannot be had is counted in `tally`.
 * @throws FetchError when the disk does not allow it; the signal's reason when it is aborted.
 */
export async function fetchImages(
  session: FetchSession,
  images: readonly WantedImage[],
  { addresses, tally }: { readonly addresses: ReadonlyMap<string, string>; readonly tally: ImageTally },
): Promise<void> {
  const { root, limits, progress } = session;
  const listed: { readonly image: WantedImage; readonly address: string }[] = [];
  for (const image of images) {
    const address = addresses.get(image.id);
    if (address !== undefined) listed.push({ image, address });
    else {
      const reason = "no list has an address for it";
      tally.problems.push({ id: image.id, address: null, kind: "unlisted", reason });
    }
  }
  if (listed.length === 0) return;
  progress.start("images", listed.length, "images");
  let done = 0;
  await inParallel(listed, limits.parallel, async ({ image, address }) => {
    try {
      const bytes = await fetchBytes(session, address, {
        maxBytes: limits.maxFileBytes,
        check: (content) => checkImage(address, content),
      });
      await storeFile(join(root, image.path), bytes);
      tally.fetched += 1;
      tally.fetchedBytes += bytes.length;
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      tally.problems.push({ id: image.id, address, kind: error.kind, reason: error.reason });
    }
    done += 1;
    progress.update(done, tally.note());
  });
}

/** @throws AddressError (refused) unless the bytes are an image that the project reads. */
export async function checkImage(address: string, bytes: Uint8Array): Promise<void> {
  try {
    await decodeImage(bytes, { resizePx: checkPx, name: "what was sent" });
  } catch (cause) {
    if (!(cause instanceof ImageError)) throw cause;
    throw new AddressError(address, "refused", cause.message, { cause });
  }
}

async function isWhole(path: string): Promise<boolean> {
  try {
    await decodeImage(path, { resizePx: checkPx });
    return true;
  } catch (error) {
    if (error instanceof ImageError) return false;
    throw error;
  }
}
