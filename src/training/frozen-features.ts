/** Training from a frozen backbone's feature maps: says what they cost, and computes those that are not there yet. */

import type { DatasetSplit } from "../data/triplet.js";
import type { FrozenBackbone } from "../embedding/frozen-backbone.js";
import type { FeatureMapRequest } from "../images/feature-maps.js";
import { formatCount } from "../number-text.js";
import type { TrainingConfig } from "../runs/training-fields.js";

/** Where feature maps lie unless said otherwise: below the working directory. */
export const defaultFeatureCache = ".cache/features";

/** Feature maps as they are checked or computed. */
export interface FeatureProgress {
  readonly kind: "features";
  readonly stage: "check" | "compute";
  /** Maps so far, of `total`. */
  readonly done: number;
  readonly total: number;
}

/**
 * Makes sure of every map that training and validation read; mirrored ones only of images that are trained on.
 * Stopped by `signal`, it keeps what was done for the next run.
 * @throws ImageError; EnvironmentError when the disk has no room.
 */
export async function prepareFeatures(
  features: FrozenBackbone,
  {
    parts: { training, validation },
    config: { flip, randomCrop },
    signal,
    onEvent,
  }: {
    readonly parts: { readonly training: DatasetSplit; readonly validation: DatasetSplit | undefined };
    readonly config: Pick<TrainingConfig, "flip" | "randomCrop">;
    readonly signal: AbortSignal | undefined;
    readonly onEvent: (event: FeatureProgress | { readonly kind: "note"; readonly text: string }) => void;
  },
): Promise<void> {
  const requests = requestsOf(training, validation, flip);
  const report = (stage: FeatureProgress["stage"], total: number) => (done: number) =>
    onEvent({ kind: "features", stage, done, total });
  const plan = await features.plan(requests, { signal, onProgress: report("check", requests.length) });
  if (signal?.aborted) return;
  const mirrored = flip ? ", mirrored ones of the training images too (flip=false leaves them out)" : "";
  const shapes = [...features.shapes.values()].map((shape) => `[${shape.join(", ")}]`).join(" + ");
  const gigabytes = (maps: number) => `${((maps * features.mapBytes) / 1e9).toFixed(2)} GB`;
  onEvent({
    kind: "note",
    text:
      `frozen backbone: ${formatCount(requests.length)} feature maps ${shapes} float16, ` +
      `${gigabytes(requests.length)} in ${features.folder}${mirrored}; ${formatCount(plan.missing.length)} to compute, ` +
      `${gigabytes(plan.missing.length)}${randomCrop ? "; randomCrop has no effect, pictures are cut in the middle" : ""}`,
  });
  await features.compute(plan, { signal, onProgress: report("compute", plan.missing.length) });
  await features.releaseSession();
}

/** Each image once, a mirrored one behind its plain one so that it is decoded once. */
function requestsOf(
  training: DatasetSplit,
  validation: DatasetSplit | undefined,
  flip: boolean,
): FeatureMapRequest[] {
  const ids = new Map<string, { isTrainedOn: boolean }>();
  // A split without triplets draws them from its images.
  const trainedOn =
    training.triplets.length > 0 ? imagesOf(training) : new Set([...training.images.values()].flat());
  for (const id of trainedOn) ids.set(id, { isTrainedOn: true });
  for (const id of validation ? imagesOf(validation) : []) {
    if (!ids.has(id)) ids.set(id, { isTrainedOn: false });
  }
  return [...ids].flatMap(([id, { isTrainedOn }]) => [
    { id, isFlipped: false },
    ...(flip && isTrainedOn ? [{ id, isFlipped: true }] : []),
  ]);
}

function imagesOf({ triplets }: DatasetSplit): Set<string> {
  return new Set(triplets.flatMap(({ reference, target }) => [reference, target]));
}
