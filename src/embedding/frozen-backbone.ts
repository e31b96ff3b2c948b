/** A frozen backbone: its feature maps are computed once for each image and kept on disk. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Input, type Value } from "../engine/graph/value.js";
import { cast } from "../engine/ops/constant.js";
import { GraphSession, type SessionOptions } from "../engine/runtime/session.js";
import { elementCount } from "../engine/tensor/shape.js";
import type { Tensor } from "../engine/tensor/tensor.js";
import { EnvironmentError, WeightsError } from "../errors.js";
import { RowStore } from "../files/row-store.js";
import { centreCrop, stackCrops } from "../images/crops.js";
import type {
  FeatureMapRequest,
  FeatureMapShapes,
  FeatureMaps,
  PictureTensors,
} from "../images/feature-maps.js";
import type { ImageFit } from "../images/image.js";
import type { ImageSource } from "../images/image-source.js";
import type { CompositionModel } from "../models/composition-model.js";
import { ForwardPass } from "../nn/forward-pass.js";
import { formatMegabytes } from "../number-text.js";
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
  readonly shapes: FeatureMapShapes;
  readonly #store: RowStore;
  readonly #maps: Readonly<Record<string, Value>>;
  readonly #options: FrozenBackboneOptions;
  readonly #keys: FeatureKeys;
  #session: GraphSession<string> | undefined;
  /** Ends when the computation under way does; one at a time. */
  #computing: Promise<void> = Promise.resolve();

  private constructor(
    store: RowStore,
    maps: Readonly<Record<string, Value>>,
    options: FrozenBackboneOptions,
  ) {
    this.#store = store;
    this.#maps = maps;
    this.#options = options;
    this.#keys = new FeatureKeys(options.imagePath);
    this.shapes = shapesOf(maps);
  }

  /** Opens the cache of the model's backbone with its weights of now. @throws EnvironmentError for the folder. */
  static async open(model: CompositionModel, options: FrozenBackboneOptions): Promise<FrozenBackbone> {
    const { imagePx, imageFit, images, cacheDir } = options;
    const pictures = new Input("images", "uint8", ["batch", imagePx, imagePx, 3]);
    const computed = model.image.featureMaps(pictures, ForwardPass.inference());
    const maps = Object.fromEntries(
      Object.entries(computed).map(([name, map]) => [name, cast(map, "float16")]),
    );
    const shapes = shapesOf(maps);
    const { backbone } = model.image;
    const { kernel } = backbone.preprocessing;
    const picture = { resizePx: images.sizePx, imagePx, imageFit, kernel };
    const { name, description } = featureFolder(backbone, picture, shapes);
    const folder = join(cacheDir, name);
    const rowBytes = [...shapes.values()].reduce((sum, shape) => sum + 2 * elementCount(shape), 0);
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
        `${this.folder}: feature maps need ${formatMegabytes(sizeBytes)} of disk; got ${formatMegabytes(freeBytes)} free; ` +
          "free space, choose another folder, or halve the maps with flip=false",
      );
    }
    const before = this.#computing;
    const work = before.then(() => this.#computeAll(missing, { signal, onProgress }));
    this.#computing = work.catch(() => undefined); // whoever asked gets the error
    await work;
  }

  async read(requests: readonly FeatureMapRequest[]): Promise<PictureTensors> {
    const rows = new Uint8Array(requests.length * this.mapBytes);
    const fill = async (i: number): Promise<boolean> => {
      const request = requests[i];
      const place = rows.subarray(i * this.mapBytes, (i + 1) * this.mapBytes);
      return request !== undefined && this.#store.readInto(await this.#keys.keyOf(request), place);
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
    return this.#byName(new Uint16Array(rows.buffer), requests.length);
  }

  /** Rows that hold an image's maps one after the other, as a tensor for each name. */
  #byName(rows: Uint16Array, count: number): PictureTensors {
    const rowLength = this.mapBytes / 2;
    let start = 0;
    const tensors: Record<string, Tensor> = {};
    for (const [name, shape] of this.shapes) {
      const length = elementCount(shape);
      const whole = length === rowLength;
      const data = whole ? rows : new Uint16Array(count * length);
      for (let i = 0; !whole && i < count; i += 1) {
        data.set(rows.subarray(i * rowLength + start, i * rowLength + start + length), i * length);
      }
      tensors[name] = { dtype: "float16", shape: [count, ...shape], data };
      start += length;
    }
    return tensors as unknown as PictureTensors;
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
      this.#session ??= await GraphSession.compile(outputsOf(this.#maps), this.#options.session);
      await this.#keep(part, await this.#session.run({ images: pictures }));
      done += part.length;
      onProgress?.(done);
      if (signal?.aborted) return;
    }
  }

  async #keep(
    part: readonly { readonly request: FeatureMapRequest; readonly key: string }[],
    maps: Readonly<Record<string, Tensor>>,
  ): Promise<void> {
    await this.#store.append(
      part.map(({ request, key }, row) => {
        const map = this.#rowOf(maps, row);
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

  /** An image's maps, one after the other. */
  #rowOf(maps: Readonly<Record<string, Tensor>>, row: number): Uint16Array {
    const joined = new Uint16Array(this.mapBytes / 2);
    let at = 0;
    for (const [name, shape] of this.shapes) {
      const length = elementCount(shape);
      const { data } = maps[outputName(name)] as Tensor;
      const bits = data as Uint16Array;
      joined.set(bits.subarray(row * length, (row + 1) * length), at);
      at += length;
    }
    return joined;
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

/** Outputs cannot have the names of inputs, as maps have where they are fed. */
function outputName(map: string): string {
  return `maps.${map}`;
}

function outputsOf(maps: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(maps).map(([name, map]) => [outputName(name), map]));
}

/** [C, h, w] of each [batch, C, h, w]. */
function shapesOf(maps: Readonly<Record<string, Value>>): FeatureMapShapes {
  return new Map(
    Object.entries(maps).map(([name, map]) => [name, [map.dim(1), map.dim(2), map.dim(3)] as const]),
  );
}

/** No infinity and no NaN among half-precision bits. */
function isFinite16(bits: Uint16Array): boolean {
  for (const half of bits) if ((half & 0x7c00) === 0x7c00) return false;
  return true;
}
