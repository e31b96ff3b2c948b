/** Starts a service over an index, in this process. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { EnvironmentError, UsageError } from "../errors.js";
import { visibleStream } from "../visible-text.js";
import { serviceApp } from "./app.js";
import { CatalogueWriter } from "./catalogue-writer.js";
import { Connections } from "./connections.js";
import { DamageWatch } from "./damage-watch.js";
import { HostNames } from "./host-names.js";
import { KeyRing } from "./keys.js";
import { listen, risks } from "./listen.js";
import { Load } from "./load.js";
import { Metrics } from "./metrics.js";
import { ServedCatalogue } from "./served-catalogue.js";
import type { ServiceApp } from "./service-app.js";
import { Upkeep } from "./upkeep.js";

export interface ServiceOptions {
  /** Folder of the index. */
  readonly index: string;
  /** Folder of the catalogue's pictures, instead of the one that the index says. */
  readonly images?: string | undefined;
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /** 127.0.0.1 by default: this machine only. */
  readonly host?: string;
  /**
   * Names that requests may be sent to (their Host header) beside localhost, 127.0.0.0/8, [::1], `host`, and the address that
   * a connection came to. A reverse proxy that hands on the name it was asked by needs that name here.
   */
  readonly allowHosts?: readonly string[] | undefined;
  /** File of keys (`sdfn key add`). With a key that may write, the service is the index's one writer. */
  readonly keys?: string | undefined;
  /** Without it, whoever reaches the service may search. */
  readonly requireReadKey?: boolean;
  /** Searches and writes a minute of one address without a key. */
  readonly ratePerAddress?: number;
  /** Searches and writes a minute with one key. */
  readonly ratePerKey?: number;
  /** Milliseconds a minute that searches of one address without a key may occupy the model's thread; 60,000 is no bound. */
  readonly modelMsPerAddress?: number;
  /** Queries of one address without a key that may be under way at a time; of its other requests 8 times as many. */
  readonly requestsPerAddress?: number;
  /** How long a body may take a break. */
  readonly bodyTimeoutMs?: number;
  /** How long a request may take: its body to arrive, and its answer to be made. */
  readonly timeoutMs?: number;
  /** Queries and pictures that may wait for the model; more are told to come back. */
  readonly maxWaiting?: number;
  /** How long `close` waits for what is under way. */
  readonly stopWithinMs?: number;
  /** Addresses of reverse proxies, with commas: their word for the client's address is taken. */
  readonly trustProxy?: string | undefined;
  readonly logLevel?: string;
  /** Lines of JSON; standard error by default. */
  readonly logStream?: NodeJS.WritableStream;
  /** Folder with the built page. */
  readonly webFolder?: string;
}

/** A service that runs. */
export interface Service {
  /** "http://127.0.0.1:8080" */
  readonly address: string;
  readonly isWritable: boolean;
  /** Takes the file of keys as it is now. @throws ConfigError when it is wrong; the keys stay as they were. */
  reloadKeys(): Promise<void>;
  /**
   * Takes no more requests, answers those under way, finishes writes, and frees everything.
   * @throws EnvironmentError when that takes too long. Whatever was acknowledged is safe.
   */
  close(): Promise<void>;
}

export const serviceDefaults = {
  port: 8080,
  host: "127.0.0.1",
  ratePerAddress: 120,
  ratePerKey: 6000,
  modelMsPerAddress: 30_000,
  requestsPerAddress: 32,
  timeoutMs: 30_000,
  bodyTimeoutMs: 5000,
  maxWaiting: 64,
  stopWithinMs: 25_000,
} as const;

const sweepMs = 50;

/**
 * Opens index and model, and listens.
 * @throws StoreError, BundleError when they cannot be opened so; ConfigError for wrong keys; EnvironmentError,
 *   UsageError when the address cannot be had.
 * @example
 * import { startService } from "sdfn/service";
 * const service = await startService({ index: "indexes/shop", logLevel: "silent" });
 * const answer = await fetch(`${service.address}/v1/search`, {
 *   method: "POST",
 *   headers: { "content-type": "application/json" },
 *   body: JSON.stringify({ queries: [{ text: "is red" }], limit: 3 }),
 * });
 * console.log(answer.status); // 200
 * await service.close();
 */
export async function startService(given: ServiceOptions): Promise<Service> {
  const options = { ...serviceDefaults, port: 0, requireReadKey: false, logLevel: "info", ...given };
  const { host, port, requireReadKey } = options;
  const hostNames = new HostNames(host, options.allowHosts ?? []);
  const readKeys = keyReader(options);
  let keys = await readKeys();
  const isWritable = keys.has("write");
  let isStopping = false;
  let app: ServiceApp | undefined;
  const metrics = new Metrics();
  const catalogue = await ServedCatalogue.open(options.index, {
    isWritable,
    images: options.images,
    onBatch: (size) => metrics.batch(size),
  });
  try {
    const upkeep = new Upkeep(catalogue.index, (error) => app?.log.error({ err: error }, "upkeep failed"));
    const writer = new CatalogueWriter(catalogue, upkeep);
    const load = new Load(options);
    metrics.watch({ items: () => catalogue.index.store.count(), load });
    app = await serviceApp({
      parts: {
        catalogue,
        writer,
        metrics,
        load,
        timeoutMs: options.timeoutMs,
        webFolder: options.webFolder ?? builtPage(),
        isStopping: () => isStopping,
      },
      guarded: { ...options, keys: () => keys, isWritable, load },
      hostNames,
      log: { level: options.logLevel, stream: visibleStream(options.logStream ?? process.stderr) },
      trustProxy: options.trustProxy ?? false,
    });
    const { log } = app;
    const connections = new Connections(app.server);
    const address = await listen(app, host, port);
    const watch = new DamageWatch(catalogue.index, metrics, log);
    for (const risk of risks({ host, requireReadKey, isWritable })) log.warn(risk);
    const open = { app, connections, writer, watch, catalogue };
    let stopped: Promise<void> | undefined;
    return {
      address,
      isWritable,
      async reloadKeys() {
        keys = await readKeys();
        log.info("keys read again");
        if (keys.has("write") && !isWritable)
          log.warn("there is a key that may write now; start the service again to write");
      },
      close() {
        isStopping = true;
        stopped ??= before(options.stopWithinMs, stop(open), () => connections.closeAll());
        return stopped;
      },
    };
  } catch (error) {
    await app?.close();
    await catalogue.close();
    throw error;
  }
}

/** Reads the keys as they are in their file. @throws UsageError when they are needed and there is no file. */
function keyReader({ keys, requireReadKey }: Pick<ServiceOptions, "keys" | "requireReadKey">) {
  if (requireReadKey && keys === undefined) {
    throw new UsageError("service: a key is required for reading, and there is no file of keys; give one");
  }
  return async () => (keys === undefined ? new KeyRing([]) : KeyRing.read(keys));
}

interface Open {
  readonly app: ServiceApp;
  readonly connections: Connections;
  readonly writer: CatalogueWriter;
  readonly watch: DamageWatch;
  readonly catalogue: ServedCatalogue;
}

async function stop({ app, connections, writer, watch, catalogue }: Open): Promise<void> {
  // Connections whose last request is answered meanwhile would be kept for the next one.
  const sweep = setInterval(() => connections.closeIdle(), sweepMs);
  try {
    await app.close().finally(() => clearInterval(sweep));
    await writer.close();
    await watch.close();
  } finally {
    await catalogue.close();
  }
}

/** Beside this folder once compiled; in dist/ for tests, which run the sources. */
function builtPage(): string {
  const beside = new URL("../web", import.meta.url);
  return fileURLToPath(existsSync(beside) ? beside : new URL("../../dist/web", import.meta.url));
}

/** @throws EnvironmentError when `work` takes too long; `giveUp` is called then. */
async function before(ms: number, work: Promise<void>, giveUp: () => void): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      giveUp();
      reject(
        new EnvironmentError(
          `service: did not stop within ${ms / 1000} s; what was acknowledged is safe; the rest is given up`,
        ),
      );
    }, ms);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
