/** Pictures -> regions and embeddings (section 2.1). */

import type { Value } from "../engine/graph/value.js";
import { add, multiply } from "../engine/ops/arithmetic.js";
import { cast, constant } from "../engine/ops/constant.js";
import { mean } from "../engine/ops/reduce.js";
import { reshape, transpose } from "../engine/ops/shape.js";
import type { Random } from "../engine/tensor/random.js";
import { float32 } from "../engine/tensor/tensor.js";
import { ShapeError } from "../errors.js";
import { BatchNorm2d } from "../nn/batch-norm2d.js";
import { Conv2d } from "../nn/conv2d.js";
import type { ForwardPass } from "../nn/forward-pass.js";
import { Module } from "../nn/module.js";
import type { EncoderConfig } from "./encoder-config.js";
import { ResNet } from "./resnet.js";

/** ImageNet's mean and deviation per channel (red, green, blue) of values in 0..1, as torchvision's models expect. */
const IMAGENET_MEAN = [0.485, 0.456, 0.406] as const;
const IMAGENET_DEVIATION = [0.229, 0.224, 0.225] as const;

/** What the image encoder gives for each image. */
export interface ImageFeatures {
  /** [B, N, D] */
  readonly regions: Value;
  /** Mean over the regions, not normalised: [B, D]. */
  readonly embedding: Value;
}

/**
 * Last feature map of a ResNet, 1x1 convolution C -> D with bias, its positions as a sequence of N = h · w regions:
 * images -> [B, N, D]. One encoder for reference and target images.
 * `imageNorm: "batch"` puts a batch norm after the convolution.
 */
export class ImageEncoder extends Module {
  readonly backbone: ResNet;
  readonly proj: Conv2d;
  readonly norm: BatchNorm2d | undefined;
  readonly #isBackboneFrozen: boolean;

  constructor(config: EncoderConfig, random: Random) {
    super();
    this.backbone = new ResNet(config.backbone, random, { width: config.backboneWidth });
    this.proj = new Conv2d(this.backbone.outChannels, config.embedDim, random, { kernel: 1 });
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

  /** The backbone's last feature map [B, C, H / 32, W / 32] of `images` as `forward` takes them. */
  featureMaps(images: Value, pass: ForwardPass): Value {
    const ownPass = this.#isBackboneFrozen ? pass.withFrozenStatistics() : pass;
    return this.backbone.forward(normalisePixels(images), ownPass);
  }

  /** The rest of `forward`, from feature maps [B, C, h, w]: for features that were computed before. */
  forwardFeatureMaps(featureMaps: Value, pass: ForwardPass): ImageFeatures {
    const projected = this.proj.forward(featureMaps); // [B, D, h, w]
    const map = this.norm ? this.norm.forward(projected, pass) : projected;
    const [batch = 0] = map.shape;
    const [width, count] = [map.dim(1), map.dim(2) * map.dim(3)];
    const regions = transpose(reshape(map, [batch, width, count]), [0, 2, 1]); // [B, N, D]
    return { regions, embedding: mean(regions, { axes: [1] }) };
  }
}

/**
 * uint8 [B, H, W, 3] -> float32 [B, 3, H, W], (pixel / 255 - mean) / deviation; float32 [B, 3, H, W] stays as it is.
 * @throws ShapeError for anything else.
 */
export function normalisePixels(images: Value): Value {
  if (images.dtype === "float32" && images.rank === 4 && images.shape[1] === 3) return images;
  if (images.dtype !== "uint8" || images.rank !== 4 || images.shape[3] !== 3) {
    throw new ShapeError("ImageEncoder", "needs uint8 [B, H, W, 3] or normalised float32 [B, 3, H, W]", {
      images,
    });
  }
  const scale = IMAGENET_DEVIATION.map((deviation) => 1 / (255 * deviation));
  const shift = IMAGENET_MEAN.map((value, channel) => -value / (IMAGENET_DEVIATION[channel] ?? 1));
  const pixels = transpose(cast(images, "float32"), [0, 3, 1, 2]); // [B, 3, H, W]
  const perChannel = (values: readonly number[]) => constant(float32([3, 1, 1], values));
  return add(multiply(pixels, perChannel(scale)), perChannel(shift));
}
