/** Resized images kept in memory, decoded once each. */
import { ImageError } from "../errors.js";
import { decodeImage, type ImageFit } from "./image.js";

/** Where batches take their images from; all are squares of one size. */
export interface ImageSource {
  /** Side of every image. */
  readonly sizePx: number;
  /**
   * RGB pixels [sizePx, sizePx, 3]; shared with other callers, so not to be written to.
   * @throws ImageError, which names the image, when it is missing or damaged.
   */
  pixels(imageId: string): Promise<Uint8Array>;
}

/** How images are resized and how much is kept. */
export interface ImageCacheOptions {
  readonly sizePx: number;
  readonly fit?: ImageFit;
  /** Images past this are decoded again each time; nothing kept is given up for them. */
  readonly budgetBytes?: number;
  /** Decodes under way at the same time, each on a thread of libuv's pool (four unless set otherwise). */
  readonly parallelDecodes?: number;
}

/** What a cache did so far. */
export interface ImageCacheStatistics {
  readonly hits: number;
  readonly decoded: number;
  readonly sizeBytes: number;
}

/** 87,000 images of 64 px, or 5,400 of 256 px. */
const defaultBudgetBytes = 2 ** 30;

/**
 * Keeps the first images that fit in the budget. Training walks over all images in turn, where a
 * cache that gives up the oldest would never hold the next one.
 */
export class ImageCache implements ImageSource {
  readonly sizePx: number;
  readonly #fit: ImageFit;
  readonly #budgetBytes: number;
  readonly #imagePath: (imageId: string) => string | undefined;
  readonly #kept = new Map<string, Uint8Array>();
  readonly #underWay = new Map<string, Promise<Uint8Array>>();
  readonly #waiting: (() => void)[] = [];
  #freeSlots: number;
  #hits = 0;
  #decoded = 0;
  #sizeBytes = 0;

  constructor(
    imagePath: (imageId: string) => string | undefined,
    { sizePx, fit = "squash", budgetBytes = defaultBudgetBytes, parallelDecodes = 4 }: ImageCacheOptions,
  ) {
    this.#imagePath = imagePath;
    this.sizePx = sizePx;
    this.#fit = fit;
    this.#budgetBytes = budgetBytes;
    this.#freeSlots = parallelDecodes;
  }

  get statistics(): ImageCacheStatistics {
    return { hits: this.#hits, decoded: this.#decoded, sizeBytes: this.#sizeBytes };
  }

  async pixels(imageId: string): Promise<Uint8Array> {
    const known = this.#kept.get(imageId) ?? this.#underWay.get(imageId);
    if (known) {
      this.#hits += 1;
      return known;
    }
    const decoding = this.#decode(imageId).finally(() => this.#underWay.delete(imageId));
    this.#underWay.set(imageId, decoding);
    return decoding;
  }

  async #decode(imageId: string): Promise<Uint8Array> {
    const path = this.#imagePath(imageId);
    if (path === undefined) {
      throw new ImageError(
        `${imageId}: the data set has no file for this image; leave it out, or add the file`,
      );
    }
    if (this.#freeSlots > 0) this.#freeSlots -= 1;
    else await new Promise<void>((start) => this.#waiting.push(start));
    try {
      const { data } = await decodeImage(path, { resizePx: this.sizePx, fit: this.#fit });
      this.#decoded += 1;
      if (this.#sizeBytes + data.length <= this.#budgetBytes) {
        this.#kept.set(imageId, data);
        this.#sizeBytes += data.length;
      }
      return data;
    } finally {
      const next = this.#waiting.shift(); // takes over this slot
      if (next) next();
      else this.#freeSlots += 1;
    }
  }
}
