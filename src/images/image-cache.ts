/** Resized images: from memory, else from disk, else decoded. */
import { ImageError } from "../errors.js";
import { DiskCache, type DiskCacheOptions, type DiskCacheStatistics } from "../files/disk-cache.js";
import { decodeImage, type ImageFit, type ResizeKernel } from "./image.js";
import { resizedImageKey } from "./image-key.js";
import type { ImageSource } from "./image-source.js";

/** How images are resized and how much is kept. */
export interface ImageCacheOptions {
  readonly sizePx: number;
  readonly fit?: ImageFit;
  readonly kernel?: ResizeKernel;
  /** Images past this are decoded again each time; nothing kept is given up for them. */
  readonly budgetBytes?: number;
  /** Decodes under way at the same time, each on a thread of libuv's pool (four unless set otherwise). */
  readonly parallelDecodes?: number;
  /** Where resized images are kept for later runs; nowhere by default. */
  readonly disk?: DiskCacheOptions | undefined;
}

/** What a cache did so far. */
export interface ImageCacheStatistics {
  /** Asked for again while in memory or under way. */
  readonly hits: number;
  readonly fromDisk: number;
  readonly decoded: number;
  /** In memory. */
  readonly sizeBytes: number;
  readonly disk: DiskCacheStatistics | undefined;
}

/** 87,000 images of 64 px, or 5,400 of 256 px. */
export const defaultImageBudgetBytes = 2 ** 30;

/**
 * Keeps the first images that fit in the budget in memory, and all on disk when asked to. Training walks over all images in turn, where a
 * cache that gives up the oldest would never hold the next one.
 */
export class ImageCache implements ImageSource {
  readonly sizePx: number;
  readonly #fit: ImageFit;
  readonly #kernel: ResizeKernel;
  readonly #budgetBytes: number;
  readonly #imagePath: (imageId: string) => string | undefined;
  readonly #kept = new Map<string, Uint8Array>();
  readonly #underWay = new Map<string, Promise<Uint8Array>>();
  readonly #waiting: (() => void)[] = [];
  readonly #disk: DiskCache | undefined;
  #freeSlots: number;
  #hits = 0;
  #fromDisk = 0;
  #decoded = 0;
  #sizeBytes = 0;

  constructor(
    imagePath: (imageId: string) => string | undefined,
    {
      sizePx,
      fit = "squash",
      kernel = "lanczos3",
      budgetBytes = defaultImageBudgetBytes,
      parallelDecodes = 4,
      disk,
    }: ImageCacheOptions,
  ) {
    this.#imagePath = imagePath;
    this.sizePx = sizePx;
    this.#fit = fit;
    this.#kernel = kernel;
    this.#budgetBytes = budgetBytes;
    this.#freeSlots = parallelDecodes;
    this.#disk = disk && new DiskCache(disk);
  }

  get statistics(): ImageCacheStatistics {
    return {
      hits: this.#hits,
      fromDisk: this.#fromDisk,
      decoded: this.#decoded,
      sizeBytes: this.#sizeBytes,
      disk: this.#disk?.statistics,
    };
  }

  async pixels(imageId: string): Promise<Uint8Array> {
    const known = this.#kept.get(imageId) ?? this.#underWay.get(imageId);
    if (known) {
      this.#hits += 1;
      return known;
    }
    const loading = this.#inTurn(() => this.#load(imageId)).finally(() => this.#underWay.delete(imageId));
    this.#underWay.set(imageId, loading);
    return loading;
  }

  /**
   * Makes sure that the image can be had, and next time cheaply: it is in memory, on disk, or was decoded.
   * @throws ImageError as pixels.
   */
  async ensure(imageId: string): Promise<void> {
    if (this.#hasRoom() || !this.#disk) {
      await this.pixels(imageId);
      return;
    }
    const path = this.#pathOf(imageId);
    if (!(await this.#inTurn(() => this.#isOnDisk(path)))) await this.pixels(imageId);
  }

  async #load(imageId: string): Promise<Uint8Array> {
    const path = this.#pathOf(imageId);
    const pixels = await this.#fromDiskOrDecoded(path);
    if (this.#hasRoom()) {
      this.#kept.set(imageId, pixels);
      this.#sizeBytes += pixels.length;
    }
    return pixels;
  }

  async #fromDiskOrDecoded(path: string): Promise<Uint8Array> {
    const key = this.#disk && (await this.#keyOf(path));
    if (key !== undefined) {
      const known = await this.#disk?.read(key, this.#bytesOfOne);
      if (known) {
        this.#fromDisk += 1;
        return known;
      }
    }
    const { data } = await decodeImage(path, {
      resizePx: this.sizePx,
      fit: this.#fit,
      kernel: this.#kernel,
    });
    this.#decoded += 1;
    // A file that was replaced meanwhile has another key by now.
    if (key !== undefined && key === (await this.#keyOf(path))) await this.#disk?.write(key, data);
    return data;
  }

  async #isOnDisk(path: string): Promise<boolean> {
    const key = await this.#keyOf(path);
    return key !== undefined && (await this.#disk?.has(key, this.#bytesOfOne)) === true;
  }

  get #bytesOfOne(): number {
    return this.sizePx ** 2 * 3;
  }

  #hasRoom(): boolean {
    return this.#sizeBytes + this.#bytesOfOne <= this.#budgetBytes;
  }

  #keyOf(path: string): Promise<string | undefined> {
    return resizedImageKey(path, { sizePx: this.sizePx, fit: this.#fit, kernel: this.#kernel });
  }

  #pathOf(imageId: string): string {
    const path = this.#imagePath(imageId);
    if (path !== undefined) return path;
    throw new ImageError(
      `${imageId}: the data set has no file for this image; leave it out, or add the file`,
    );
  }

  /** Runs `work` when one of the slots is free. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#freeSlots > 0) this.#freeSlots -= 1;
    else await new Promise<void>((start) => this.#waiting.push(start));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift(); // takes over this slot
      if (next) next();
      else this.#freeSlots += 1;
    }
  }
}
