/** Where batches take their images from. */
import type { Tensor } from "../engine/tensor/tensor.js";

/** Which part of an image is taken, and whether it is mirrored. */
export interface Crop {
  readonly leftPx: number;
  readonly topPx: number;
  /** Left and right exchanged. */
  readonly isFlipped: boolean;
}

/** One crop for each image, all of one size. */
export interface CropRequest {
  readonly crops: readonly Crop[];
  /** Side of every crop. */
  readonly cropPx: number;
}

/** Images by id; all are squares of one size. */
export interface ImageSource {
  /** Side of every image. */
  readonly sizePx: number;
  /**
   * RGB pixels [sizePx, sizePx, 3]; shared with other callers, so not to be written to.
   * @throws ImageError, which names the image, when it is missing or damaged.
   */
  pixels(imageId: string): Promise<Uint8Array>;
  /**
   * Crops of images, stacked in the order of `ids`: uint8 [ids.length, cropPx, cropPx, 3]. For sources that do this off
   * the main thread; `stackCrops` does it for the others.
   * @throws ImageError as pixels.
   */
  stack?(ids: readonly string[], request: CropRequest): Promise<Tensor<"uint8">>;
}
