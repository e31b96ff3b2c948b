/** Starts a service over an index, in this process. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { EnvironmentError, UsageError } from "../errors.js";
import { serviceApp } from "./app.js";
import { Metrics } from "./metrics.js";
import { ServedCatalogue } from "./served-catalogue.js";
import { Slots } from "./slots.js";

export interface ServiceOptions {
  /** Folder of the index. */
  readonly index: string;
  /** 0 takes a free one. */
  readonly port?: number;
  readonly host?: string;
  /** How long a request may take, its upload and its work each. */
  readonly timeoutMs?: number;
  /** Queries that may wait for the model; more are told to come back. */
  readonly maxWaiting?: number;
  /** "silent", "error", "warn", "info", "debug". */
  readonly logLevel?: string;
  readonly logStream?: NodeJS.WritableStream;
  /** Folder with the built page. */
  readonly webFolder?: string;
}

/** A service that runs. */
export interface Service {
  /** "http://127.0.0.1:8080" */
  readonly address: string;
  /** Answers what was accepted, then frees everything. */
  close(): Promise<void>;
}

/** Bytes of pictures in memory. */
const uploadBytes = 256 * 2 ** 20;

/** Beside this folder once compiled; in dist/ for tests, which run the sources. */
function builtPage(): string {
  const beside = new URL("../web", import.meta.url);
  const compiled = new URL("../../dist/web", import.meta.url);
  return fileURLToPath(existsSync(beside) ? beside : compiled);
}

/**
 * Opens index and model, and listens.
 * @throws StoreError, BundleError when they cannot be opened; EnvironmentError when the address cannot be had.
 */
export async function startService({
  index,
  port = 0,
  host = "127.0.0.1",
  timeoutMs = 30_000,
  maxWaiting = 64,
  logLevel = "info",
  logStream = process.stderr,
  webFolder = builtPage(),
}: ServiceOptions): Promise<Service> {
  const catalogue = await ServedCatalogue.open(index, { isWritable: false });
  let isStopping = false;
  try {
    const queries = new Slots("queries", maxWaiting);
    const metrics = new Metrics({
      items: () => catalogue.index.manifest.contents.items,
      waiting: () => queries.taken,
    });
    const app = await serviceApp(
      {
        ...{ catalogue, metrics, queries, timeoutMs, webFolder },
        uploads: new Slots("bytes of uploads", uploadBytes),
        isStopping: () => isStopping,
      },
      { level: logLevel, stream: logStream },
    );
    const address = await app.listen({ port, host }).catch(async (cause: unknown) => {
      await app.close();
      throw cannotListen(host, port, cause);
    });
    return {
      address,
      async close() {
        isStopping = true;
        await app.close();
        await catalogue.close();
      },
    };
  } catch (error) {
    await catalogue.close();
    throw error;
  }
}

function cannotListen(host: string, port: number, cause: unknown): unknown {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const where = `${host}:${port}`;
  if (code === "EADDRINUSE") {
    return new EnvironmentError(`${where}: another program listens there; got ${code}; choose another port`, {
      cause,
    });
  }
  if (code === "EACCES") {
    return new EnvironmentError(
      `${where}: this user may not listen there; got ${code}; choose a port from 1024`,
      { cause },
    );
  }
  if (["EADDRNOTAVAIL", "ENOTFOUND", "EAI_AGAIN", "EINVAL"].includes(code)) {
    return new UsageError(
      `${host}: must be an address of this machine; got ${code}; 127.0.0.1 and 0.0.0.0 always are`,
      { cause },
    );
  }
  return cause;
}
