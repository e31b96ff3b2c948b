/** A local server and an empty folder, and the fetch from one to the other. */
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PublishedSetName } from "../../src/data/datasets/published-sets.js";
import { type FetchOptions, type FetchResult, fetchDataset } from "../../src/data/fetch/fetch-dataset.js";
import { type LocalServer, startLocalServer } from "./local-server.js";

export interface FetchPlace {
  readonly server: LocalServer;
  /** The data set's folder. */
  readonly root: string;
  /** Fetches with short waits from the copies that `published-copies.ts` serves. */
  fetch(name: PublishedSetName, options?: Partial<FetchOptions>): Promise<FetchResult>;
  /** Kind of problem by id, from the report. */
  problems(): Promise<Readonly<Record<string, string>>>;
  close(): Promise<void>;
}

/** With and without a slash at the end, as people type them. */
const bases: Readonly<Record<PublishedSetName, string>> = {
  fashioniq: "fiq/",
  shoes: "shoes",
  fashion200k: "f200k/",
};

export async function openFetchPlace(): Promise<FetchPlace> {
  const server = await startLocalServer();
  const top = await mkdtemp(join(tmpdir(), "sdfn-fetch-"));
  // Some levels down, so that what leads out of the folder by mistake is removed with the rest.
  const root = join(top, "some", "levels", "down");
  await mkdir(root, { recursive: true });
  return {
    server,
    root,
    fetch: (name, options = {}) =>
      fetchDataset(name, {
        out: root,
        baseUrl: server.url + bases[name],
        retry: { attempts: 3, firstDelayMs: 5, maxDelayMs: 2000 },
        stallMs: 200,
        signal: new AbortController().signal,
        progress: { start: () => undefined, update: () => undefined },
        ...options,
      }),
    async problems() {
      const report: { problems: { id: string; kind: string }[] } = JSON.parse(
        await readFile(join(root, "fetch-report.json"), "utf8"),
      );
      return Object.fromEntries(report.problems.map(({ id, kind }) => [id, kind]));
    },
    async close() {
      await server.close();
      await rm(top, { recursive: true });
    },
  };
}
