/** Training batches: shuffled, augmented, prepared while the consumer computes, and resumable. */

import { Random, type RandomState } from "../../engine/tensor/random.js";
import { ConfigError, RunError } from "../../errors.js";
import { centreCrop, randomCrop, requireCrop, stackCrops } from "../../images/crops.js";
import type { FeatureMaps, PictureTensors } from "../../images/feature-maps.js";
import type { ImageSource } from "../../images/image-source.js";
import { encodeTexts, type TextTensors } from "../../text/encode-texts.js";
import type { Tokeniser } from "../../text/tokeniser.js";
import { joinCaptions } from "../../text/vocabulary.js";
import type { DatasetSplit, Triplet } from "../triplet.js";
import { neighbourhoods } from "./neighbourhoods.js";

/** B triplets, ready for a training step. */
export interface Batch extends TextTensors {
  /**
   * By input name, B references, then their B targets: `images` [2B, S, S, 3], RGB 0 to 255, or feature maps, each
   * [2B, C, h, w], if it has those.
   */
  readonly images: PictureTensors;
  readonly triplets: readonly Triplet[];
  /** Place in the run, both counted from 0. */
  readonly epoch: number;
  readonly index: number;
}

/**
 * - `none`: triplets at random;
 * - `category`: one category a batch;
 * - `neighbours`: triplets that share images, directly or by way of others, come together; where the groups are smaller
 *   than a batch, several make one.
 */
export const batchGroupings = ["none", "category", "neighbours"] as const;
export type BatchGrouping = (typeof batchGroupings)[number];

/** What a batch looks like. */
export interface BatchLoaderOptions {
  /** B; the last triplets of an epoch that do not fill a batch wait for another epoch. */
  readonly batchSize: number;
  /** T; later words are cut off. */
  readonly maxWords: number;
  /** S; the images' own size by default. */
  readonly cropPx?: number;
  /** Take a random part of each image, not the middle. */
  readonly shouldCropRandomly?: boolean;
  /** Mirror half of the images. */
  readonly shouldFlip?: boolean;
  /** What triplets of a batch have in common, as far as they go: harder negatives for in-batch losses. */
  readonly grouping?: BatchGrouping;
  /** Reverse the order of half of the queries' captions. */
  readonly shouldSwapCaptions?: boolean;
  /** Batches prepared ahead of the consumer. */
  readonly prefetchCount?: number;
  /** Feature maps instead of pictures; of the middle of each image. */
  readonly featureMaps?: FeatureMaps | undefined;
}

/** Where a loader stands; survives JSON. */
export interface BatchLoaderState {
  readonly random: RandomState;
  readonly epoch: number;
  /** Batches of the epoch that were given out. */
  readonly batch: number;
}

/**
 * Every batch draws from its own stream, named by epoch and index, so neither the time that
 * decoding takes nor a stop in between changes any number.
 */
export class BatchLoader {
  readonly batchesPerEpoch: number;
  readonly #split: DatasetSplit;
  readonly #images: ImageSource;
  readonly #vocabulary: Tokeniser;
  readonly #options: Required<Omit<BatchLoaderOptions, "featureMaps">>;
  readonly #featureMaps: FeatureMaps | undefined;
  #state: BatchLoaderState;

  /**
   * @param random gives the loader its own stream; consumes one number.
   * @throws ConfigError when a batch cannot be filled or cut from the images.
   */
  constructor(
    split: DatasetSplit,
    images: ImageSource,
    vocabulary: Tokeniser,
    { random, featureMaps, ...options }: BatchLoaderOptions & { readonly random: Random },
  ) {
    this.#featureMaps = featureMaps;
    this.#split = split;
    this.#images = images;
    this.#vocabulary = vocabulary;
    this.#options = {
      cropPx: images.sizePx,
      shouldCropRandomly: false,
      shouldFlip: false,
      shouldSwapCaptions: false,
      grouping: "none",
      prefetchCount: 2,
      ...options,
    };
    const { batchSize, cropPx } = this.#options;
    this.batchesPerEpoch = Math.floor(split.epochTripletCount / batchSize);
    if (!Number.isInteger(batchSize) || batchSize < 1 || this.batchesPerEpoch < 1) {
      throw new ConfigError(
        `batchSize: must be between 1 and the number of ${split.name} triplets, ${split.epochTripletCount}; ` +
          `got ${batchSize}; lower it, or use more data`,
      );
    }
    requireCrop(images.sizePx, cropPx);
    this.#state = { random: random.fork("batches").state(), epoch: 0, batch: 0 };
  }

  /** Where the next batch will come from; batches prepared but not given out do not count. */
  state(): BatchLoaderState {
    return this.#state;
  }

  /** Continues as the loader that gave `state`. @throws RunError when the state is of other data. */
  restore(state: BatchLoaderState): void {
    if (state.batch >= this.batchesPerEpoch) {
      throw new RunError(
        `batch loader: the saved position is past the epoch's ${this.batchesPerEpoch} batches; ` +
          `got batch ${state.batch}; resume with the data and batch size of the saved run`,
      );
    }
    this.#state = state;
  }

  /**
   * The rest of the current epoch's batches; after the last one the next epoch begins with the
   * next call. A loop that is left early continues where it stopped. One loop at a time.
   * @throws ImageError when an image is missing or damaged.
   */
  async *epoch(): AsyncGenerator<Batch, void, void> {
    const { epoch, batch: first } = this.#state;
    const order = this.epochTriplets();
    const queue: Promise<Batch>[] = [];
    let next = first;
    for (let index = first; index < this.batchesPerEpoch; index += 1) {
      for (; next < this.batchesPerEpoch && next <= index + this.#options.prefetchCount; next += 1) {
        const preparing = this.#prepare(order, epoch, next);
        preparing.catch(() => undefined); // thrown below, when its turn comes
        queue.push(preparing);
      }
      const batch = await queue.shift();
      if (batch === undefined) return;
      const isLast = index + 1 === this.batchesPerEpoch;
      this.#state = {
        random: this.#state.random,
        epoch: isLast ? epoch + 1 : epoch,
        batch: isLast ? 0 : index + 1,
      };
      yield batch;
    }
  }

  /** The triplets of the current epoch, in the order of its batches; those that fill no batch are left out. */
  epochTriplets(): readonly Triplet[] {
    const order = this.#order(this.#state.epoch);
    return order.slice(0, this.batchesPerEpoch * this.#options.batchSize);
  }

  #order(epoch: number): readonly Triplet[] {
    const drawn = this.#split.drawEpoch(this.#stream(`order ${epoch}`));
    const { batchSize, grouping } = this.#options;
    if (grouping === "none") return drawn;
    return grouped(drawn, {
      batchSize,
      groupOf: grouping === "category" ? ({ category }) => category : neighbourhoods(drawn),
      random: this.#stream(`groups ${epoch}`),
    });
  }

  async #prepare(order: readonly Triplet[], epoch: number, index: number): Promise<Batch> {
    const { batchSize, maxWords, cropPx, shouldCropRandomly, shouldFlip, shouldSwapCaptions } = this.#options;
    const random = this.#stream(`epoch ${epoch} batch ${index}`);
    const triplets = order.slice(index * batchSize, (index + 1) * batchSize);
    const ids = [...triplets.map(({ reference }) => reference), ...triplets.map(({ target }) => target)];
    const crops = ids.map(() => {
      const { sizePx } = this.#images;
      const crop = shouldCropRandomly ? randomCrop(sizePx, cropPx, random) : centreCrop(sizePx, cropPx);
      return { ...crop, isFlipped: shouldFlip && random.chance(0.5) };
    });
    const texts = triplets.map(({ captions }) =>
      joinCaptions(shouldSwapCaptions && random.chance(0.5) ? captions.toReversed() : captions),
    );
    const images = this.#featureMaps
      ? await this.#featureMaps.read(ids.map((id, i) => ({ id, isFlipped: crops[i]?.isFlipped ?? false })))
      : { images: await stackCrops(this.#images, ids, { crops, cropPx }) };
    return { images, ...encodeTexts(this.#vocabulary, texts, maxWords), triplets, epoch, index };
  }

  #stream(label: string): Random {
    return Random.fromState(this.#state.random).fork(label);
  }
}

/**
 * The same triplets with those of one group side by side, groups in random order, then cut into batches and the batches
 * shuffled; what does not fill a batch stays at the end.
 */
function grouped(
  triplets: readonly Triplet[],
  {
    batchSize,
    groupOf,
    random,
  }: { readonly batchSize: number; readonly groupOf: (triplet: Triplet) => string; readonly random: Random },
): Triplet[] {
  const groups = new Map<string, Triplet[]>();
  for (const triplet of triplets) {
    const name = groupOf(triplet);
    const group = groups.get(name);
    if (group) group.push(triplet);
    else groups.set(name, [triplet]);
  }
  // Groups that fill batches do so on their own; what is left of them and the small ones share batches by category.
  const batches: Triplet[][] = [];
  const rest: Triplet[] = [];
  for (const group of random.shuffled([...groups.values()])) {
    const full = group.length - (group.length % batchSize);
    for (let start = 0; start < full; start += batchSize) batches.push(group.slice(start, start + batchSize));
    rest.push(...group.slice(full));
  }
  const byCategory = rest.toSorted((a, b) =>
    a.category < b.category ? -1 : a.category > b.category ? 1 : 0,
  );
  const full = byCategory.length - (byCategory.length % batchSize);
  for (let start = 0; start < full; start += batchSize)
    batches.push(byCategory.slice(start, start + batchSize));
  return [...random.shuffled(batches).flat(), ...byCategory.slice(full)];
}
