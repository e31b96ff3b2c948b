/** What a run trains on and is watched on: the usable part of a data set's train split, divided, and its vocabulary. */

import { type HeldOut, holdOut } from "../data/hold-out.js";
import { mismatchedSplit } from "../data/mismatched-triplets.js";
import type { ImageProblem } from "../data/presence/check-images.js";
import { availableSplit, type DropReport } from "../data/presence/missing-images.js";
import { trainingImages, withoutBroken } from "../data/presence/usable-images.js";
import type { DatasetSplit, RetrievalDataset } from "../data/triplet.js";
import { Random } from "../engine/tensor/random.js";
import { ConfigError } from "../errors.js";
import type { ImageThread } from "../images/image-thread.js";
import { formatCount } from "../number-text.js";
import type { TrainingConfig } from "../runs/training-fields.js";
import { joinCaptions, Vocabulary } from "../text/vocabulary.js";
import type { TrainEvent } from "./train-event.js";

export interface TrainingData {
  readonly parts: HeldOut;
  /** The texts as training encodes them. */
  readonly texts: readonly string[];
  readonly vocabulary: Vocabulary;
  readonly dropped: DropReport;
  /** Images of the split that cannot be used. */
  readonly unusable: readonly ImageProblem[];
}

/**
 * Looks at every image that training needs, leaves out what needs a missing or broken one, and divides the rest.
 * @param random draws what is held out.
 * @throws DatasetError when nothing is left; the signal's reason when it is aborted meanwhile.
 */
export async function prepareTrainingData(
  dataset: RetrievalDataset,
  images: ImageThread,
  {
    config,
    random,
    signal,
    onEvent,
  }: {
    readonly config: Pick<
      TrainingConfig,
      "seed" | "holdOut" | "holdOutBy" | "minWordCount" | "keep" | "patience" | "mismatchedTriplets"
    >;
    readonly random: Random;
    readonly signal: AbortSignal | undefined;
    readonly onEvent: (event: TrainEvent) => void;
  },
): Promise<TrainingData> {
  const { split: withFiles } = availableSplit(dataset, "train");
  const usable = await withoutBroken(dataset, images, {
    ids: trainingImages(withFiles),
    onProgress: (done, total) => onEvent({ kind: "images", done, total }),
    onNote: (text) => onEvent({ kind: "note", text }),
    signal,
  });
  const { split, dropped, unusable } = availableSplit(usable, "train");
  const { holdOut: fraction, holdOutBy: by, keep, patience } = config;
  const parts = withMismatched(holdOut(split, { fraction, by }, random), config, onEvent);
  if (!parts.validation && (keep === "best" || patience > 0)) {
    throw new ConfigError(
      `keep, patience: go by held-out triplets, and none can be held out of ${split.triplets.length}; ` +
        `got keep ${keep}, patience ${patience}; raise holdOut (now ${fraction}), or leave them at last and 0`,
    );
  }
  if (parts.leftOut > 0) {
    onEvent({
      kind: "note",
      text:
        `held out by item: ${parts.leftOut} triplets tie a held-out image to one that is trained on and are in neither ` +
        "part (holdOutBy=triplet keeps them)",
    });
  }
  const texts = trainingTexts(parts.training);
  const vocabulary = Vocabulary.fromTexts(texts, { minCount: config.minWordCount });
  return { parts, texts, vocabulary, dropped, unusable };
}

/** What is trained on gets its share of wrong texts, from a stream of their own so that nothing else is drawn differently. */
function withMismatched(
  parts: HeldOut,
  { seed, mismatchedTriplets: share }: Pick<TrainingConfig, "seed" | "mismatchedTriplets">,
  onEvent: (event: TrainEvent) => void,
): HeldOut {
  const { split, counts } = mismatchedSplit(parts.training, share, new Random(seed).fork("mismatched"));
  if (counts) {
    const { mismatched, equal } = counts;
    const all = formatCount(split.triplets.length);
    const text = `${formatCount(mismatched)} of ${all} training triplets have the text of another (${formatCount(equal)} of them the same words)`;
    onEvent({ kind: "note", text });
  }
  return { ...parts, training: split };
}

function trainingTexts(split: DatasetSplit): readonly string[] {
  const { triplets } = split;
  return [...(split.trainingTexts?.() ?? triplets.map(({ captions }) => joinCaptions(captions)))];
}
