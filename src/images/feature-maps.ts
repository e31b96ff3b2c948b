/** Feature maps that a frozen backbone computed before: what batches hold then, instead of pictures. */
import type { Tensor } from "../engine/tensor/tensor.js";

/** An image's middle, as it is or mirrored. */
export interface FeatureMapRequest {
  readonly id: string;
  /** Left and right exchanged before the backbone saw it. */
  readonly isFlipped: boolean;
}

/** Pictures, or a backbone's maps of them, by their names among a graph's inputs: the last map is `images`. */
export interface PictureTensors {
  readonly images: Tensor;
  /** "images.layer3" */
  readonly [levelMap: string]: Tensor;
}

/** [C, h, w] of one image's maps, by their names among a graph's inputs. */
export type FeatureMapShapes = ReadonlyMap<string, readonly [number, number, number]>;

/** Where batches take feature maps from. */
export interface FeatureMaps {
  readonly shapes: FeatureMapShapes;
  /**
   * By name float16 [requests.length, C, h, w], in the order of `requests`.
   * @throws ImageError when a map has to be computed, and its image is missing or damaged.
   */
  read(requests: readonly FeatureMapRequest[]): Promise<PictureTensors>;
}
