/** Fetches an archive of images and takes the wanted ones out of it. */
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { partialEnding } from "../../files/whole.js";
import type { PublishedSet, WantedImage } from "../datasets/published-set.js";
import { AddressError } from "./address-error.js";
import { ArchiveError, type RefusedEntry, type UnpackOptions, unpackArchive } from "./archive.js";
import { downloadFile } from "./download.js";
import { isWebAddress } from "./fetch-files.js";
import { checkImage, type ImageTally } from "./fetch-images.js";
import { workFolder } from "./fetch-lock.js";
import type { FetchSession } from "./fetch-session.js";
import { fileSize, onDisk, storeFile } from "./store.js";

const bytesPerMegabyte = 1e6;

/**
 * Takes the wanted images out of an archive. A fetched archive is removed once it has been read to its end; a note of
 * its address then keeps it from being fetched again for images that it does not have.
 * @param source a file, or the address of one.
 * @throws AddressError or FetchError when the archive cannot be had or is not to be trusted.
 */
export async function fetchFromArchive(
  session: FetchSession,
  set: PublishedSet,
  {
    source,
    images,
    tally,
  }: { readonly source: string; readonly images: readonly WantedImage[]; readonly tally: ImageTally },
): Promise<void> {
  const { root, limits, signal, progress } = session;
  const missing = new Map(images.map((image) => [image.id, image]));
  const notePath = join(root, workFolder, "unpacked.txt");
  const isUnpacked = isWebAddress(source) && (await readNote(notePath)) === source;
  if (!isUnpacked) {
    const file = isWebAddress(source) ? await archiveFile(session, source, tally) : source;
    let total = 0;
    const refused = await unpackFetched(file, {
      isOurs: isWebAddress(source),
      limits,
      signal,
      isWanted: (path) => missing.has(set.archiveImage(path).id),
      async take(path, bytes) {
        const image = set.archiveImage(path);
        if (!missing.delete(image.id)) return; // twice in the archive
        try {
          await checkImage(source, bytes);
          await storeFile(join(root, image.path), bytes);
          tally.fetched += 1;
        } catch (error) {
          if (!(error instanceof AddressError)) throw error;
          tally.problems.push({ id: image.id, address: source, kind: "refused", reason: error.reason });
        }
      },
      onBytes(done, size) {
        if (total === 0) progress.start("unpacking", toMegabytes(size), "MB");
        total = size;
        progress.update(toMegabytes(done), `${tally.fetched} images`);
      },
    });
    for (const { path, reason } of refused) {
      tally.problems.push({ id: path, address: source, kind: "refused", reason });
    }
    if (isWebAddress(source)) {
      await storeFile(notePath, source);
      await rm(file, { force: true });
    }
  }
  for (const id of missing.keys()) {
    const reason = isUnpacked
      ? `is not in the archive; to fetch the archive again, remove ${notePath}`
      : "is not in the archive";
    tally.problems.push({ id, address: source, kind: "unlisted", reason });
  }
}

/** Unpacks; an archive that we fetched and that is of no use does not stay in the way of another try. */
async function unpackFetched(
  file: string,
  { isOurs, ...options }: UnpackOptions & { readonly isOurs: boolean },
): Promise<readonly RefusedEntry[]> {
  try {
    return await unpackArchive(file, options);
  } catch (error) {
    if (isOurs && error instanceof ArchiveError) await rm(file, { force: true });
    throw error;
  }
}

/** Path of the whole archive, fetched unless it is there. */
async function archiveFile(session: FetchSession, address: string, tally: ImageTally): Promise<string> {
  const { root, client, retries, limits, signal, progress } = session;
  const name = basename(new URL(address).pathname).replaceAll(/[^\w.-]/g, "_");
  const path = join(root, workFolder, `archive-${name}`);
  if (await fileSize(path)) return path;
  await onDisk(path, () => mkdir(join(root, workFolder), { recursive: true }));
  const partial = path + partialEnding;
  let started = false;
  let [receivedBytes, mostBytes] = [0, 0];
  const download = (): Promise<void> =>
    downloadFile(client, address, {
      path: partial,
      maxBytes: limits.maxArchiveBytes,
      onBytes(done, total) {
        if (!started) progress.start("archive", toMegabytes(total ?? limits.maxArchiveBytes), "MB");
        started = true;
        receivedBytes = done;
        progress.update(toMegabytes(done));
      },
    });
  for (;;) {
    try {
      await retries.run(address, signal, download);
      break;
    } catch (error) {
      // A long download may break off often: as long as it gets on, it gets new attempts.
      const gotOn = receivedBytes >= mostBytes + bytesPerMegabyte;
      if (!gotOn || !(error instanceof AddressError) || error.kind !== "unavailable") throw error;
      mostBytes = receivedBytes;
    }
  }
  tally.fetchedBytes += receivedBytes;
  await onDisk(path, () => rename(partial, path));
  return path;
}

function toMegabytes(bytes: number): number {
  return Math.ceil(bytes / bytesPerMegabyte);
}

async function readNote(path: string): Promise<string | undefined> {
  return (await fileSize(path)) === undefined ? undefined : onDisk(path, () => readFile(path, "utf8"));
}
