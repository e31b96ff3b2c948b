/** Fetches annotation files and address lists. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { FetchError } from "../../errors.js";
import { imageFormatOf } from "../../images/image-format.js";
import type { PublishedFile } from "../datasets/published-set.js";
import { AddressError } from "./address-error.js";
import { parseAddressList } from "./address-list.js";
import type { ImageTally } from "./fetch-images.js";
import { type FetchSession, fetchBytes } from "./fetch-session.js";
import { inParallel } from "./in-parallel.js";
import { fileSize, onDisk, storeFile } from "./store.js";

/** How many files there were already, and how many came. */
export interface FileCounts {
  readonly present: number;
  readonly fetched: number;
  readonly fetchedBytes: number;
}

/**
 * Puts every file into the data set's folder that is not there yet.
 * @param baseUrl a copy of the files, in the folder's own layout, instead of their published addresses.
 * @param byHand what to do about files that have no address.
 * @throws FetchError that lists every file that could not be had.
 */
export async function fetchFiles(
  session: FetchSession,
  files: readonly PublishedFile[],
  { baseUrl, byHand }: { readonly baseUrl?: URL | undefined; readonly byHand?: string | undefined },
): Promise<FileCounts> {
  const { root, limits, progress } = session;
  const missing: PublishedFile[] = [];
  for (const file of files) {
    if (!(await fileSize(join(root, file.path)))) missing.push(file);
  }
  const problems: string[] = [];
  const unaddressed: string[] = [];
  let [fetched, fetchedBytes] = [0, 0];
  if (missing.length > 0) progress.start("annotations", missing.length, "files");
  await inParallel(missing, limits.parallel, async (file) => {
    const address = baseUrl ? new URL(file.path, baseUrl).href : file.address;
    if (address === undefined) {
      unaddressed.push(file.path);
      return;
    }
    try {
      const bytes = await fetchBytes(session, address, {
        maxBytes: limits.maxTextBytes,
        check: async (content) => checkText(address, content, file.format),
      });
      await storeFile(join(root, file.path), bytes);
      fetchedBytes += bytes.length;
      fetched += 1;
      progress.update(fetched);
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      problems.push(`${file.path}: ${error.message}`);
    }
  });
  if (unaddressed.length > 0) problems.push(`${unaddressed.sort().join(", ")}: missing. ${byHand}`);
  if (problems.length > 0) {
    throw new FetchError(
      `${root}: files of the data set could not be fetched:${problems.map((problem) => `\n  - ${problem}`).join("")}\n` +
        "the same command continues from here; --base-url names another place, and files put into the folder by hand are kept",
    );
  }
  return { present: files.length - missing.length, fetched, fetchedBytes };
}

/**
 * Reads address lists into one; the first list that has an id wins.
 * @param sources files, or addresses of files.
 * @returns address by id; lines that are none are counted in `tally`.
 * @throws FetchError when a list cannot be read or has no address at all.
 */
export async function readLists(
  session: FetchSession,
  sources: readonly string[],
  { baseUrl, tally }: { readonly baseUrl: URL | undefined; readonly tally: ImageTally },
): Promise<ReadonlyMap<string, string>> {
  const all = new Map<string, string>();
  for (const source of sources) {
    const content = isWebAddress(source)
      ? await fetchBytes(session, source, {
          maxBytes: session.limits.maxTextBytes,
          check: async (bytes) => checkText(source, bytes, "text"),
        })
      : await onDisk(source, () => readFile(source));
    if (isWebAddress(source)) tally.fetchedBytes += content.length;
    const { addresses, wrongLines } = parseAddressList(Buffer.from(content).toString("utf8"), baseUrl);
    if (addresses.size === 0) {
      throw new FetchError(
        `${source}: must have lines of an image id and its address; got ${wrongLines.length} other lines; check the list`,
      );
    }
    for (const [id, address] of addresses) if (!all.has(id)) all.set(id, address);
    tally.wrongLines += wrongLines.length;
  }
  return all;
}

/** Is it an address rather than a path? */
export function isWebAddress(text: string): boolean {
  return /^https?:\/\//i.test(text);
}

/** Servers answer with pages where files were. */
function checkText(address: string, bytes: Uint8Array, format: PublishedFile["format"]): void {
  const kind = imageFormatOf(bytes);
  if (bytes.length === 0 || kind !== "text") {
    const got = bytes.length === 0 ? "nothing" : kind;
    throw new AddressError(address, "refused", `must be a text file; got ${got}`);
  }
  if (format === "text") return;
  try {
    if (Array.isArray(JSON.parse(Buffer.from(bytes).toString("utf8")))) return;
  } catch (cause) {
    throw new AddressError(address, "refused", `must be JSON; got ${cause}`, { cause });
  }
  throw new AddressError(address, "refused", "must be a JSON array; got something else");
}
