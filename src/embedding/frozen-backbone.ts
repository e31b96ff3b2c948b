/** A frozen backbone: its feature maps are computed once for each image and kept on disk. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Input, type Value } from "../engine/graph/value.js";
import { cast } from "../engine/ops/constant.js";
import { GraphSession, type SessionOptions } from "../engine/runtime/session.js";
import type { Tensor } from "../engine/tensor/tensor.js";
import { EnvironmentError, WeightsError } from "../errors.js";
import { RowStore } from "../files/row-store.js";
import { centreCrop, stackCrops } from "../images/crops.js";
import type { FeatureMapRequest, FeatureMaps } from "../images/feature-maps.js";
import type { ImageFit } from "../images/image.js";
import type { ImageSource } from "../images/image-source.js";
import type { CompositionModel } from "../models/composition-model.js";
import { ForwardPass } from "../nn/forward-pass.js";
import { FeatureKeys, featureFolder } from "./feature-keys.js";

export interface FrozenBackboneOptions {
  readonly images: ImageSource;
  /** File of an image; its content is part of the key. */
  readonly imagePath: (id: string) => string | undefined;
  /** Side of the pictures the network sees; cut from the middle of the source's. */
  readonly imagePx: number;
  /** How the source makes squares; part of the key. */
  readonly imageFit: ImageFit;
  /** Folder of all feature maps; runs with equal backbones and pictures share them. */
  readonly cacheDir: string;
  readonly session?: SessionOptions;
}

/** What has to be computed. */
export interface FeaturePlan {
  readonly missing: readonly FeatureMapRequest[];
  /** What they will take on disk. */
  readonly sizeBytes: number;
}

/** Images per run of the backbone. */
const batchSize = 32;
/** Maps checked at a time. */
const checkCount = 64;

/**
 * Feature maps in evaluation mode (running statistics), float16. Those that are not on disk, or no longer what was
 * written, are computed when they are asked for and kept. The key is the backbone's weights, the preparation of
 * pictures, the content of the image's file, and whether it is mirrored.
 */
export class FrozenBackbone implements FeatureMaps {
  readonly shape: readonly [number, number, number];
  readonly #store: RowStore;
  readonly #maps: Value;
  readonly #options: FrozenBackboneOptions;
  readonly #keys: FeatureKeys;
  #session: GraphSession<"maps"> | undefined;
  /** Ends when the computation under way does; one at a time. */
  #computing: Promise<void> = Promise.resolve();

  private constructor(store: RowStore, maps: Value, options: FrozenBackboneOptions) {
    this.#store = store;
    this.#maps = maps;
    this.#options = options;
    this.#keys = new FeatureKeys(options.imagePath);
    this.shape = mapShape(maps);
  }

  /** Opens the cache of the model's backbone with its weights of now. @throws EnvironmentError for the folder. */
  static async open(model: CompositionModel, options: FrozenBackboneOptions): Promise<FrozenBackbone> {
    const { imagePx, imageFit, images, cacheDir } = options;
    const pictures = new Input("images", "uint8", ["batch", imagePx, imagePx, 3]);
    const maps = cast(model.image.featureMaps(pictures, ForwardPass.inference()), "float16");
    const shape = mapShape(maps);
    const picture = { resizePx: images.sizePx, imagePx, imageFit };
    const { name, description } = featureFolder(model.image.backbone, picture, shape);
    const folder = join(cacheDir, name);
    const rowBytes = 2 * shape[0] * shape[1] * shape[2];
    const store = await RowStore.open(folder, { rowBytes });
    const readme = join(folder, "description.json");
    if (!existsSync(readme)) writeFileSync(readme, description);
    return new FrozenBackbone(store, maps, options);
  }

  /** Where these maps lie. */
  get folder(): string {
    return this.#store.folder;
  }

  /** Bytes of one map on disk. */
  get mapBytes(): number {
    return this.#store.rowBytes;
  }

  /**
   * Reads every map that is there and says which are not, or are damaged; `signal` ends it early.
   * @throws ImageError when an image has no file.
   */
  async plan(
    requests: readonly FeatureMapRequest[],
    {
      signal,
      onProgress,
    }: { readonly signal?: AbortSignal | undefined; readonly onProgress?: (done: number) => void } = {},
  ): Promise<FeaturePlan> {
    const missing: FeatureMapRequest[] = [];
    for (let start = 0; start < requests.length && !signal?.aborted; start += checkCount) {
      const part = requests.slice(start, start + checkCount);
      const found = await Promise.all(part.map((request) => this.#isStored(request)));
      missing.push(...part.filter((_, i) => !found[i]));
      onProgress?.(start + part.length);
    }
    return { missing, sizeBytes: missing.length * this.mapBytes };
  }

  /**
   * Computes and keeps the maps of a plan; stopped by `signal` after the batch under way, with what was done kept.
   * @throws ImageError; EnvironmentError when the disk has no room; WeightsError when a map is not finite.
   */
  async compute(
    { missing, sizeBytes }: FeaturePlan,
    {
      signal,
      onProgress,
    }: { readonly signal?: AbortSignal | undefined; readonly onProgress?: (done: number) => void } = {},
  ): Promise<void> {
    const freeBytes = await this.#store.freeBytes();
    if (sizeBytes > freeBytes) {
      throw new EnvironmentError(
        `${this.folder}: feature maps need ${megabytes(sizeBytes)} of disk; got ${megabytes(freeBytes)} free; ` +
          "free space, choose another folder, or halve the maps with flip=false",
      );
    }
    const before = this.#computing;
    const work = before.then(() => this.#computeAll(missing, { signal, onProgress }));
    this.#computing = work.catch(() => undefined); // whoever asked gets the error
    await work;
  }

  async read(requests: readonly FeatureMapRequest[]): Promise<Tensor<"float16">> {
    const [channels, height, width] = this.shape;
    const data = new Uint16Array(requests.length * channels * height * width);
    const place = (i: number) => new Uint8Array(data.buffer, i * this.mapBytes, this.mapBytes);
    const fill = async (i: number): Promise<boolean> => {
      const request = requests[i];
      return request !== undefined && this.#store.readInto(await this.#keys.keyOf(request), place(i));
    };
    const found = await Promise.all(requests.map((_, i) => fill(i)));
    const missing = requests.filter((_, i) => !found[i]);
    if (missing.length > 0) {
      await this.compute({ missing, sizeBytes: missing.length * this.mapBytes });
      const isFound = await Promise.all(found.map((isThere, i) => isThere || fill(i)));
      if (isFound.includes(false)) {
        throw new EnvironmentError(
          `${this.folder}: feature maps cannot be read back as they were written; check the disk, or delete the folder`,
        );
      }
    }
    return { dtype: "float16", shape: [requests.length, ...this.shape], data };
  }

  /** Frees the backbone's session, which comes back when a map has to be computed. */
  async releaseSession(): Promise<void> {
    await this.#computing;
    await this.#session?.release();
    this.#session = undefined;
  }

  /** Frees the session and closes the files. */
  async release(): Promise<void> {
    await this.releaseSession();
    await this.#store.close();
  }

  async #computeAll(
    requests: readonly FeatureMapRequest[],
    {
      signal,
      onProgress,
    }: {
      readonly signal: AbortSignal | undefined;
      readonly onProgress: ((done: number) => void) | undefined;
    },
  ): Promise<void> {
    const keys = await Promise.all(requests.map((request) => this.#keys.keyOf(request)));
    // Another call may have been asked for the same maps, and one call twice for one.
    const byKey = new Map(requests.map((request, i) => [keys[i] ?? "", request]));
    const wanted = [...byKey]
      .map(([key, request]) => ({ key, request }))
      .filter(({ key }) => !this.#store.has(key));
    const parts = Array.from({ length: Math.ceil(wanted.length / batchSize) }, (_, i) =>
      wanted.slice(i * batchSize, (i + 1) * batchSize),
    );
    let preparing = parts[0] && this.#pictures(parts[0].map(({ request }) => request));
    let done = requests.length - wanted.length;
    for (const [i, part] of parts.entries()) {
      const pictures = await preparing;
      const following = parts[i + 1];
      preparing = following && this.#pictures(following.map(({ request }) => request));
      preparing?.catch(() => undefined); // thrown above, when its turn comes
      if (pictures === undefined) return;
      this.#session ??= await GraphSession.compile({ maps: this.#maps }, this.#options.session);
      const { maps } = await this.#session.run({ images: pictures });
      await this.#keep(part, maps.data as Uint16Array);
      done += part.length;
      onProgress?.(done);
      if (signal?.aborted) return;
    }
  }

  async #keep(
    part: readonly { readonly request: FeatureMapRequest; readonly key: string }[],
    bits: Uint16Array,
  ): Promise<void> {
    const length = this.mapBytes / 2;
    await this.#store.append(
      part.map(({ request, key }, row) => {
        const map = bits.subarray(row * length, (row + 1) * length);
        if (!isFinite16(map)) {
          throw new WeightsError(
            `${request.id}: its feature map is not finite in float16 (above 65,504); the backbone's weights do not fit; ` +
              "load pretrained ones, or train without freezeBackbone",
          );
        }
        return { key, bytes: new Uint8Array(map.buffer, map.byteOffset, map.byteLength) };
      }),
    );
  }

  #pictures(requests: readonly FeatureMapRequest[]): Promise<Tensor<"uint8">> {
    const { images, imagePx } = this.#options;
    const middle = centreCrop(images.sizePx, imagePx);
    return stackCrops(
      images,
      requests.map(({ id }) => id),
      { crops: requests.map(({ isFlipped }) => ({ ...middle, isFlipped })), cropPx: imagePx },
    );
  }

  async #isStored(request: FeatureMapRequest): Promise<boolean> {
    const key = await this.#keys.keyOf(request);
    return this.#store.has(key) && this.#store.readInto(key, new Uint8Array(this.mapBytes));
  }
}

/** [C, h, w] of [batch, C, h, w]. */
function mapShape(maps: Value): readonly [number, number, number] {
  return [maps.dim(1), maps.dim(2), maps.dim(3)];
}

/** No infinity and no NaN among half-precision bits. */
function isFinite16(bits: Uint16Array): boolean {
  for (const half of bits) if ((half & 0x7c00) === 0x7c00) return false;
  return true;
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6).toLocaleString("en-GB")} MB`;
}
