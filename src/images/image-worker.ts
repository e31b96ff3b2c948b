/** Runs on a thread of its own: an image cache that answers the requests of an `ImageThread`. */
import { parentPort, workerData } from "node:worker_threads";
import { ImageError } from "../errors.js";
import { type WorkerFailure, workerFailure } from "../worker-thread.js";
import { stackCrops } from "./crops.js";
import { ImageCache, type ImageCacheOptions, type ImageCacheStatistics } from "./image-cache.js";
import type { CropRequest } from "./image-source.js";

/** An image and its file, where there is one. */
export type ImageFile = readonly [id: string, path: string | undefined];

/** What can be asked of the thread. */
export type ImageWork =
  | ({ readonly kind: "stack"; readonly files: readonly ImageFile[] } & CropRequest)
  | { readonly kind: "ensure"; readonly files: readonly ImageFile[] }
  | { readonly kind: "statistics" };

/** What it answers: for `ensure`, images that cannot be had and why. */
export interface ImageAnswers {
  readonly stack: Uint8Array<ArrayBuffer>;
  readonly ensure: readonly (readonly [id: string, reason: string])[];
  readonly statistics: ImageCacheStatistics;
}

export interface ImageRequest {
  readonly call: number;
  readonly work: ImageWork;
}

export interface ImageReply {
  readonly call: number;
  readonly answer?: ImageAnswers[keyof ImageAnswers];
  readonly failure?: WorkerFailure;
}

const paths = new Map<string, string | undefined>();
const cache = new ImageCache((id) => paths.get(id), workerData as ImageCacheOptions);

parentPort?.on("message", ({ call, work }: ImageRequest) => {
  const send = (reply: ImageReply, transfer: ArrayBuffer[] = []) => parentPort?.postMessage(reply, transfer);
  answerTo(work).then(
    (answer) => send({ call, answer }, answer instanceof Uint8Array ? [answer.buffer] : []),
    (error: unknown) => send({ call, failure: workerFailure(error, ImageError) }),
  );
});

async function answerTo(work: ImageWork): Promise<ImageAnswers[keyof ImageAnswers]> {
  if (work.kind === "statistics") return cache.statistics;
  for (const [id, path] of work.files) paths.set(id, path);
  const ids = work.files.map(([id]) => id);
  if (work.kind === "ensure") {
    const reasons = await Promise.all(ids.map(whyUnusable));
    return ids.flatMap((id, i) => (reasons[i] === undefined ? [] : [[id, reasons[i]] as const]));
  }
  return (await stackCrops(cache, ids, work)).data as Uint8Array<ArrayBuffer>;
}

async function whyUnusable(id: string): Promise<string | undefined> {
  try {
    await cache.ensure(id);
    return undefined;
  } catch (error) {
    if (error instanceof ImageError) return error.message;
    throw error;
  }
}
