/** Runs on a thread of its own: a bundle's models that answer the requests of a `BundleThread`. */
import { parentPort, workerData } from "node:worker_threads";
import type { EncodedQuery } from "../embedding/encoder.js";
import type { SessionOptions } from "../engine/runtime/session.js";
import { BundleError } from "../errors.js";
import { type WorkerFailure, workerFailure } from "../worker-thread.js";
import type { BundleManifest } from "./bundle-manifest.js";
import { BundleModel, type PairRows, type PreparedQuery } from "./bundle-model.js";

/** What a thread is started with. */
export interface BundleWorkerData {
  readonly dir: string;
  readonly manifest: BundleManifest;
  readonly options: SessionOptions;
}

/** What it is asked: queries as vectors, or scores of pairs. */
export type BundleRequest =
  | { readonly kind: "queries"; readonly queries: readonly PreparedQuery[] }
  | { readonly kind: "pairs"; readonly pairs: PairRows };

/** Says that the models are loaded, that a request is done, or that one of these failed. */
export interface BundleReply {
  readonly answers?: readonly EncodedQuery[];
  /** Of pairs. */
  readonly scores?: Float32Array;
  readonly failure?: WorkerFailure;
}

const { dir, manifest, options } = workerData as BundleWorkerData;
const reply = (message: BundleReply) => parentPort?.postMessage(message);

const fail = (error: unknown) => reply({ failure: workerFailure(error, BundleError) });

try {
  const model = await BundleModel.load(dir, manifest, options);
  const answer = async (request: BundleRequest): Promise<BundleReply> =>
    request.kind === "queries"
      ? { answers: await model.answer(request.queries) }
      : { scores: await model.scorePairs(request.pairs) };
  // One after the other: replies come in the order of the requests.
  let last = Promise.resolve();
  parentPort?.on("message", (request: BundleRequest) => {
    last = last.then(() => answer(request).then(reply, fail));
  });
  reply({});
} catch (error) {
  fail(error);
}
