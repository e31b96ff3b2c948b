/** Pictures -> regions and embeddings (section 2.1). */

import type { Value } from "../engine/graph/value.js";
import { add, multiply } from "../engine/ops/arithmetic.js";
import { cast, constant } from "../engine/ops/constant.js";
import { mean as meanOf } from "../engine/ops/reduce.js";
import { reshape, transpose } from "../engine/ops/shape.js";
import type { Random } from "../engine/tensor/random.js";
import { float32 } from "../engine/tensor/tensor.js";
import { ShapeError } from "../errors.js";
import { BatchNorm2d } from "../nn/batch-norm2d.js";
import { Conv2d } from "../nn/conv2d.js";
import type { ForwardPass } from "../nn/forward-pass.js";
import { Module } from "../nn/module.js";
import type { Backbone, PicturePreprocessing } from "./backbones/backbone.js";
import { backboneDefinition } from "./backbones/registry.js";
import type { EncoderConfig } from "./encoder-config.js";

/** What the image encoder gives for each image. */
export interface ImageFeatures {
  /** [B, N, D] */
  readonly regions: Value;
  /** Mean over the regions, not normalised: [B, D]. */
  readonly embedding: Value;
  /** Regions lie in h rows of w, from the top left: N = h · w. */
  readonly rows: number;
  readonly columns: number;
}

/** Features of regions [B, N, D] that are given, as an inference graph takes them. */
export function featuresOf(
  regions: Value,
  grid: { readonly rows: number; readonly columns: number },
): ImageFeatures {
  return { regions, embedding: meanOf(regions, { axes: [1] }), ...grid };
}

/**
 * Last feature map of a backbone, 1x1 convolution C -> D with bias, its positions as a sequence of N = h · w regions:
 * images -> [B, N, D]. One encoder for reference and target images.
 * `imageNorm: "batch"` puts a batch norm after the convolution.
 */
export class ImageEncoder extends Module {
  readonly backbone: Backbone;
  readonly proj: Conv2d;
  readonly norm: BatchNorm2d | undefined;
  readonly #isBackboneFrozen: boolean;

  constructor(config: EncoderConfig, random: Random) {
    super();
    this.backbone = backboneDefinition(config.backbone).create(config, random);
    this.backbone.setRateGroup("backbone");
    this.proj = new Conv2d(this.backbone.lastLevel.channels, config.embedDim, random, { kernel: 1 });
    this.norm = config.imageNorm === "batch" ? new BatchNorm2d(config.embedDim) : undefined;
    this.#isBackboneFrozen = config.backboneStatistics === "frozen";
  }

  /**
   * @param images uint8 [B, H, W, 3] (0..255, red green blue), or float32 [B, 3, H, W] already normalised.
   * @throws ShapeError for anything else.
   */
  forward(images: Value, pass: ForwardPass): ImageFeatures {
    return this.forwardFeatureMaps(this.featureMaps(images, pass), pass);
  }

  /** The backbone's last feature map [B, C, h, w] of `images` as `forward` takes them. */
  featureMaps(images: Value, pass: ForwardPass): Value {
    const ownPass = this.#isBackboneFrozen ? pass.withFrozenStatistics() : pass;
    const { preprocessing, lastLevel } = this.backbone;
    const maps = this.backbone.featureMaps(normalisePixels(images, preprocessing), ownPass);
    return maps.get(lastLevel.name) as Value;
  }

  /** The rest of `forward`, from feature maps [B, C, h, w]: for features that were computed before. */
  forwardFeatureMaps(featureMaps: Value, pass: ForwardPass): ImageFeatures {
    const projected = this.proj.forward(featureMaps); // [B, D, h, w]
    const map = this.norm ? this.norm.forward(projected, pass) : projected;
    const [batch = 0] = map.shape;
    const [rows, columns] = [map.dim(2), map.dim(3)];
    const regions = transpose(reshape(map, [batch, map.dim(1), rows * columns]), [0, 2, 1]); // [B, N, D]
    return featuresOf(regions, { rows, columns });
  }
}

/**
 * uint8 [B, H, W, 3] -> float32 [B, 3, H, W], (pixel / 255 - mean) / deviation; float32 [B, 3, H, W] stays as it is.
 * @throws ShapeError for anything else.
 */
export function normalisePixels(
  images: Value,
  { mean, deviation }: Pick<PicturePreprocessing, "mean" | "deviation">,
): Value {
  if (images.dtype === "float32" && images.rank === 4 && images.shape[1] === 3) return images;
  if (images.dtype !== "uint8" || images.rank !== 4 || images.shape[3] !== 3) {
    throw new ShapeError("ImageEncoder", "needs uint8 [B, H, W, 3] or normalised float32 [B, 3, H, W]", {
      images,
    });
  }
  const scale = deviation.map((value) => 1 / (255 * value));
  const shift = mean.map((value, channel) => -value / (deviation[channel] ?? 1));
  const pixels = transpose(cast(images, "float32"), [0, 3, 1, 2]); // [B, 3, H, W]
  const perChannel = (values: readonly number[]) => constant(float32([3, 1, 1], values));
  return add(multiply(pixels, perChannel(scale)), perChannel(shift));
}
