/** Fetches a published data set: annotations, then images, then a report of what could not be had. */
import { setMaxListeners } from "node:events";
import { join } from "node:path";
import { FetchError } from "../../errors.js";
import type { PublishedFile, PublishedSet } from "../datasets/published-set.js";
import { type PublishedSetName, publishedSets } from "../datasets/published-sets.js";
import { AddressError } from "./address-error.js";
import { fetchFromArchive } from "./fetch-archive.js";
import { fetchFiles, isWebAddress, readLists } from "./fetch-files.js";
import { fetchImages, ImageTally, missingImages } from "./fetch-images.js";
import { lockFolder } from "./fetch-lock.js";
import { countProblems, type FetchSummary, writeReport } from "./fetch-report.js";
import type { FetchLimits, FetchProgress, FetchSession } from "./fetch-session.js";
import { hostOf, parseAddress } from "./hosts.js";
import { HttpClient } from "./http.js";
import { Retries, type RetryOptions } from "./retries.js";

/** What can be chosen about a fetch. */
export interface FetchOptions {
  /** Folder of the data set. */
  readonly out: string;
  /** A copy of the published files in the data set's own layout, instead of their addresses. */
  readonly baseUrl?: string | undefined;
  /** Lists of image addresses (files or addresses) instead of the published ones. */
  readonly urlLists?: readonly string[];
  /** An archive of the images (a file or an address) instead of lists. */
  readonly archive?: string | undefined;
  readonly annotationsOnly?: boolean;
  /** Decode images that are there already, and fetch damaged ones again. */
  readonly verify?: boolean;
  /** Private hosts that may be asked, besides those of the options above. */
  readonly allowedHosts?: readonly string[];
  readonly limits?: Partial<FetchLimits>;
  readonly retry?: Partial<RetryOptions>;
  readonly stallMs?: number;
  readonly signal: AbortSignal;
  readonly progress: FetchProgress;
}

/** What a fetch gives back. */
export interface FetchResult extends FetchSummary {
  /** The report's path. */
  readonly report: string;
}

export const defaultLimits: FetchLimits = {
  parallel: 8,
  maxFileBytes: 20e6,
  maxTextBytes: 200e6,
  maxArchiveBytes: 32e9,
  maxTotalBytes: 64e9,
  maxEntries: 1_000_000,
  deadlineMs: 300_000,
};
export const defaultRetry: Omit<RetryOptions, "random" | "now"> = {
  attempts: 4,
  firstDelayMs: 1000,
  maxDelayMs: 120_000,
  failuresInRow: 20,
};
export const defaultStallMs = 30_000;
const maxRedirects = 5;

/**
 * Fetches what is not there yet. A final name always stands for a whole file, so it can be stopped at any time and
 * called again. Images that cannot be had are counted and listed in the report, and do not make it fail.
 * @throws FetchError when annotations or a list or archive cannot be had; the signal's reason when it is aborted.
 */
export async function fetchDataset(name: PublishedSetName, options: FetchOptions): Promise<FetchResult> {
  const baseUrl = options.baseUrl === undefined ? undefined : folderAddress(options.baseUrl);
  const session = openSession(options);
  const unlock = await lockFolder(options.out);
  try {
    return await fetchAll(session, name, options, baseUrl);
  } finally {
    session.client.close();
    await unlock();
  }
}

async function fetchAll(
  session: FetchSession,
  name: PublishedSetName,
  { annotationsOnly = false, verify = false, ...options }: FetchOptions,
  baseUrl: URL | undefined,
): Promise<FetchResult> {
  const { root } = session;
  const set: PublishedSet = publishedSets[name];
  const source = imageSource(root, set, { ...options, baseUrl });
  const published = [...set.annotations, ...(annotationsOnly ? [] : source.published)];
  const files = await fetchFiles(session, published, { baseUrl, byHand: set.byHand });
  const { images, unsafe } = set.wantedImages(root);
  const tally = new ImageTally();
  const report = async (missingCount: number | undefined, isComplete: boolean): Promise<FetchResult> => {
    const summary: FetchSummary = {
      dataset: name,
      directory: root,
      files: { present: files.present, fetched: files.fetched },
      images:
        missingCount === undefined
          ? undefined
          : {
              wanted: images.length + unsafe.length,
              present: images.length - missingCount,
              fetched: tally.fetched,
              ...countProblems(tally.problems),
            },
      wrongLines: tally.wrongLines,
      unsafeNames: unsafe.length,
      fetchedBytes: files.fetchedBytes + tally.fetchedBytes,
    };
    return { ...summary, report: await writeReport(summary, tally.problems, { isComplete }) };
  };
  if (annotationsOnly) return report(undefined, true);

  for (const id of unsafe) {
    const reason = "is not a name inside the data set's folder";
    tally.problems.push({ id, address: null, kind: "refused", reason });
  }
  const missing = await missingImages(session, set, { images, verify });
  try {
    if (missing.length > 0 && source.archive !== undefined) {
      await fetchFromArchive(session, set, { source: source.archive, images: missing, tally });
    } else if (missing.length > 0) {
      const addresses = await readLists(session, source.lists, { baseUrl, tally });
      await fetchImages(session, missing, { addresses, tally });
    }
  } catch (error) {
    await report(missing.length, false);
    if (!(error instanceof AddressError)) throw error;
    const nextStep = "try again later, or name another place with --archive, --url-list or --base-url";
    throw new FetchError(`${error.message}; ${nextStep}`, { cause: error });
  }
  return report(missing.length, true);
}

/** Where images come from: an archive, or lists, some of which have to be fetched first. */
interface ImageSource {
  readonly archive?: string | undefined;
  /** Files or addresses. */
  readonly lists: readonly string[];
  readonly published: readonly PublishedFile[];
}

/** What the user named goes first; then the archive or the lists of the publisher. */
function imageSource(
  root: string,
  set: PublishedSet,
  {
    baseUrl,
    urlLists = [],
    archive,
  }: Pick<FetchOptions, "urlLists" | "archive"> & { readonly baseUrl: URL | undefined },
): ImageSource {
  if (urlLists.length > 0) return { lists: urlLists, published: [] };
  if (archive !== undefined) return { archive, lists: [], published: [] };
  if (set.archive !== undefined) {
    const { path, address } = set.archive;
    return { archive: baseUrl ? new URL(path, baseUrl).href : address, lists: [], published: [] };
  }
  return { lists: set.lists.map(({ path }) => join(root, path)), published: set.lists };
}

function openSession({ out, progress, limits: given, ...options }: FetchOptions): FetchSession {
  const limits = { ...defaultLimits, ...given };
  // Every download under way listens to it, which is no leak.
  const signal = AbortSignal.any([options.signal]);
  setMaxListeners(0, signal);
  const client = new HttpClient({
    signal,
    stallMs: options.stallMs ?? defaultStallMs,
    maxRedirects,
    parallel: limits.parallel,
    allowedHosts: namedHosts(options),
  });
  const retries = new Retries({ ...defaultRetry, random: Math.random, now: Date.now, ...options.retry });
  return { root: out, client, retries, limits, signal, progress };
}

/** What stands in the user's own options may be private. */
function namedHosts({
  baseUrl,
  urlLists = [],
  archive,
  allowedHosts = [],
}: Pick<FetchOptions, "baseUrl" | "urlLists" | "archive" | "allowedHosts">): ReadonlySet<string> {
  const addresses = [baseUrl ?? "", archive ?? "", ...urlLists].filter(isWebAddress);
  const hosts = allowedHosts.map((host) => host.toLowerCase().replace(/^\[|\]$/g, ""));
  return new Set([...hosts, ...addresses.map((address) => hostOf(parseAddress(address)))]);
}

/** A base without a slash at its end would lose its last part. */
function folderAddress(text: string): URL {
  const url = parseAddress(text);
  if (url.search || url.hash) {
    throw new FetchError(
      `--base-url must be the address of a folder; got ${text}; leave out what follows ? or #`,
    );
  }
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}
