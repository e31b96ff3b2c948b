/** Feature maps that a frozen backbone computed before: what batches hold then, instead of pictures. */
import type { Tensor } from "../engine/tensor/tensor.js";

/** An image's middle, as it is or mirrored. */
export interface FeatureMapRequest {
  readonly id: string;
  /** Left and right exchanged before the backbone saw it. */
  readonly isFlipped: boolean;
}

/** Where batches take feature maps from. */
export interface FeatureMaps {
  /** [C, h, w] of one image. */
  readonly shape: readonly [number, number, number];
  /**
   * float16 [requests.length, C, h, w], in the order of `requests`.
   * @throws ImageError when a map has to be computed, and its image is missing or damaged.
   */
  read(requests: readonly FeatureMapRequest[]): Promise<Tensor<"float16">>;
}
