/** Fetches a published data set: annotations, then images, then a report of what could not be had. */
import { setMaxListeners } from "node:events";
import { join } from "node:path";
import { FetchError } from "../../errors.js";
import { fetchFromArchive } from "./fetch-archive.js";
import { fetchFiles, isWebAddress, readLists } from "./fetch-files.js";
import { fetchImages, ImageTally, missingImages } from "./fetch-images.js";
import { lockFolder } from "./fetch-lock.js";
import { countOf, type FetchSummary, writeReport } from "./fetch-report.js";
import type { FetchLimits, FetchProgress, FetchSession } from "./fetch-session.js";
import { hostOf, parseAddress } from "./hosts.js";
import { HttpClient } from "./http.js";
import type { PublishedSet } from "./published-set.js";
import { type PublishedSetName, publishedSets } from "./published-sets.js";
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
  const { out, progress, urlLists = [], archive } = options;
  const set: PublishedSet = publishedSets[name];
  const baseUrl = options.baseUrl === undefined ? undefined : folderAddress(options.baseUrl);
  const limits = { ...defaultLimits, ...options.limits };
  // Every download under way listens to it, which is no leak.
  const signal = AbortSignal.any([options.signal]);
  setMaxListeners(0, signal);
  const client = new HttpClient({
    signal,
    stallMs: options.stallMs ?? defaultStallMs,
    maxRedirects,
    parallel: limits.parallel,
    allowedHosts: allowedHosts(options),
  });
  const retries = new Retries({ ...defaultRetry, random: Math.random, now: Date.now, ...options.retry });
  const session: FetchSession = { root: out, client, retries, limits, signal, progress };
  const tally = new ImageTally();
  const unlock = await lockFolder(out);
  try {
    // Lists are needed where images come from them and nothing else was named.
    const archiveSource = urlLists.length > 0 ? undefined : (archive ?? archiveAddress(set, baseUrl));
    const needsLists = !options.annotationsOnly && urlLists.length === 0 && archiveSource === undefined;
    const published = [...set.annotations, ...(needsLists ? set.lists : [])];
    const files = await fetchFiles(session, published, { baseUrl, byHand: set.byHand });
    const { images, unsafe } = set.wantedImages(out);
    const base = {
      dataset: name,
      directory: out,
      files: { present: files.present, fetched: files.fetched },
      unsafeNames: unsafe.length,
    };
    if (options.annotationsOnly) {
      const summary = { ...base, wrongLines: 0, fetchedBytes: files.fetchedBytes };
      return { ...summary, report: await writeReport(summary, [], { isComplete: true }) };
    }
    for (const id of unsafe) {
      const reason = "is not a name inside the data set's folder";
      tally.problems.push({ id, address: null, kind: "refused", reason });
    }
    const missing = await missingImages(session, set, { images, verify: options.verify ?? false });
    let wrongLines = 0;
    const summarize = (): FetchSummary => ({
      ...base,
      images: {
        wanted: images.length + unsafe.length,
        present: images.length - missing.length,
        fetched: tally.fetched,
        dead: countOf(tally.problems, "dead"),
        unavailable: countOf(tally.problems, "unavailable"),
        refused: countOf(tally.problems, "refused"),
        unlisted: countOf(tally.problems, "unlisted"),
      },
      wrongLines,
      fetchedBytes: files.fetchedBytes + tally.fetchedBytes,
    });
    let isComplete = false;
    try {
      if (missing.length === 0) isComplete = true;
      else if (archiveSource !== undefined) {
        await fetchFromArchive(session, set, { source: archiveSource, images: missing, tally });
      } else {
        const sources = urlLists.length > 0 ? urlLists : set.lists.map(({ path }) => join(out, path));
        const list = await readLists(session, sources, baseUrl);
        wrongLines = list.wrongLines.length;
        tally.fetchedBytes += list.fetchedBytes;
        await fetchImages(session, missing, { addresses: list.addresses, tally });
      }
      isComplete = true;
    } finally {
      if (!isComplete) await writeReport(summarize(), tally.problems, { isComplete });
    }
    const summary = summarize();
    return { ...summary, report: await writeReport(summary, tally.problems, { isComplete }) };
  } finally {
    client.close();
    await unlock();
  }
}

/** Sets with lists of addresses come from an archive only when one is named. */
function archiveAddress({ archive }: PublishedSet, baseUrl: URL | undefined): string | undefined {
  if (archive === undefined) return undefined;
  return baseUrl ? new URL(archive.path, baseUrl).href : archive.address;
}

/** What stands in the user's own options may be private. */
function allowedHosts({
  baseUrl,
  urlLists = [],
  archive,
  allowedHosts = [],
}: FetchOptions): ReadonlySet<string> {
  const named = [baseUrl, archive, ...urlLists].filter(
    (source) => source !== undefined && isWebAddress(source),
  );
  const extra = allowedHosts.map((host) => host.toLowerCase().replace(/^\[|\]$/g, ""));
  return new Set([...extra, ...named.map((source) => hostOf(parseAddress(source ?? "")))]);
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
