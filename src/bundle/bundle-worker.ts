/** Runs on a thread of its own: a bundle's models that answer the requests of a `BundleThread`. */
import { parentPort, workerData } from "node:worker_threads";
import type { EncodedQuery } from "../embedding/encoder.js";
import type { SessionOptions } from "../engine/runtime/session.js";
import { BundleError } from "../errors.js";
import type { BundleManifest } from "./bundle-manifest.js";
import { BundleModel, type PreparedQuery } from "./bundle-model.js";

/** What a thread is started with. */
export interface BundleWorkerData {
  readonly dir: string;
  readonly manifest: BundleManifest;
  readonly options: SessionOptions;
}

/** What it says: the models are loaded, a batch is done, or one of these failed. */
export interface BundleReply {
  readonly answers?: readonly EncodedQuery[];
  /** `isBundleError` tells what a user can mend from a bug. */
  readonly failure?: { readonly isBundleError: boolean; readonly message: string };
}

const { dir, manifest, options } = workerData as BundleWorkerData;
const reply = (message: BundleReply) => parentPort?.postMessage(message);

function fail(error: unknown): void {
  const isBundleError = error instanceof BundleError;
  const message =
    error instanceof Error ? ((isBundleError ? undefined : error.stack) ?? error.message) : String(error);
  reply({ failure: { isBundleError, message } });
}

try {
  const model = await BundleModel.load(dir, manifest, options);
  parentPort?.on("message", (queries: readonly PreparedQuery[]) => {
    model.answer(queries).then((answers) => reply({ answers }), fail);
  });
  reply({});
} catch (error) {
  fail(error);
}
