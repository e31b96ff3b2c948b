/** Pictures -> regions and embeddings (section 2.1). */

import type { Value } from "../engine/graph/value.js";
import { add, multiply } from "../engine/ops/arithmetic.js";
import { cast, constant } from "../engine/ops/constant.js";
import { mean as meanOf } from "../engine/ops/reduce.js";
import { transpose } from "../engine/ops/shape.js";
import type { Random } from "../engine/tensor/random.js";
import { float32 } from "../engine/tensor/tensor.js";
import { ConfigError, ShapeError } from "../errors.js";
import { BatchNorm1d } from "../nn/batch-norm1d.js";
import { BatchNorm2d } from "../nn/batch-norm2d.js";
import { Conv2d } from "../nn/conv2d.js";
import type { ForwardPass } from "../nn/forward-pass.js";
import { Linear } from "../nn/linear.js";
import { Module } from "../nn/module.js";
import type { Backbone, PicturePreprocessing } from "./backbones/backbone.js";
import { backboneDefinition } from "./backbones/registry.js";
import type { EncoderConfig } from "./encoder-config.js";
import { regionsOfMap } from "./region-map.js";
import { windowMeanOfMap } from "./window-mean.js";

/** A stage of the backbone that a model looks at, beside the regions of the last. */
export interface LevelRequest {
  /** "layer3"; the last stage, by its name or as "last", gives its map as the backbone does, before the projection to D. */
  readonly name: string;
  /** Averages the map over windows of 2x2 positions first; at an odd side the last window is cut. */
  readonly isHalved?: boolean;
  /** Gives the map a 1x1 convolution with bias to D, and `imageNorm`, as the last map has. */
  readonly isProjected?: boolean;
}

/** A stage of the backbone beside the last: its positions as a sequence. */
export interface LevelFeatures {
  /** "layer3" */
  readonly name: string;
  /** [B, N_l, C_l], row by row from the top left; as the backbone gives them, or as the request has them. */
  readonly regions: Value;
  readonly rows: number;
  readonly columns: number;
}

/** What the image encoder gives for each image. */
export interface ImageFeatures {
  /** [B, N, D] */
  readonly regions: Value;
  /** Mean over the regions, not normalised: [B, D]. */
  readonly embedding: Value;
  /** Regions lie in h rows of w, from the top left: N = h · w. */
  readonly rows: number;
  readonly columns: number;
  /** The stages that the model asked for, in its order. */
  readonly levels: readonly LevelFeatures[];
}

/** The backbone's maps, each [B, C, h, w], by their names among a graph's inputs: `images` the last, `images.layer3`. */
export interface FeatureMapValues {
  readonly images: Value;
  readonly [levelMap: string]: Value;
}

/** Features of regions [B, N, D] that are given, as an inference graph takes them. */
export function featuresOf(
  regions: Value,
  { levels = [], ...grid }: Pick<ImageFeatures, "rows" | "columns"> & Partial<Pick<ImageFeatures, "levels">>,
): ImageFeatures {
  return { regions, embedding: meanOf(regions, { axes: [1] }), ...grid, levels };
}

/** The same features with every value changed. */
export function mapFeatures(features: ImageFeatures, change: (value: Value) => Value): ImageFeatures {
  return {
    ...features,
    regions: change(features.regions),
    embedding: change(features.embedding),
    levels: features.levels.map((level) => ({ ...level, regions: change(level.regions) })),
  };
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
  /** Projections of the levels that ask for one. */
  readonly levels: Readonly<Record<string, LevelProjection>>;
  readonly #isBackboneFrozen: boolean;
  readonly #levels: readonly LevelRequest[];

  /**
   * @param levels stages of the backbone that the model looks at, beside the regions of the last.
   * @throws ConfigError for a level that the backbone does not have.
   */
  constructor(config: EncoderConfig, random: Random, levels: readonly (string | LevelRequest)[] = []) {
    super();
    this.backbone = backboneDefinition(config.backbone).create(config, random);
    this.backbone.setRateGroup("backbone");
    this.proj = new Conv2d(this.backbone.lastLevel.channels, config.embedDim, random, { kernel: 1 });
    this.norm = config.imageNorm === "batch" ? new BatchNorm2d(config.embedDim) : undefined;
    this.#isBackboneFrozen = config.backboneStatistics === "frozen";
    const nameOf = (name: string) => (name === "last" ? this.backbone.lastLevel.name : name);
    this.#levels = levels
      .map((level) => (typeof level === "string" ? { name: level } : level))
      .map((level) => ({ ...level, name: nameOf(level.name) }));
    const known = this.backbone.levels;
    const channelsOf = ({ name }: LevelRequest) => known.find((level) => level.name === name)?.channels;
    const unknown = this.#levels.filter((level) => channelsOf(level) === undefined);
    if (unknown.length > 0) {
      const names = (of: readonly LevelRequest[]) => of.map(({ name }) => name).join(", ");
      throw new ConfigError(`${config.backbone}: has no level ${names(unknown)}; known are ${names(known)}`);
    }
    const projected = this.#levels.filter(({ isProjected }) => isProjected);
    this.levels = Object.fromEntries(
      projected.map((level) => [level.name, new LevelProjection(channelsOf(level) ?? 0, config, random)]),
    );
  }

  /**
   * @param images uint8 [B, H, W, 3] (0..255, red green blue), or float32 [B, 3, H, W] already normalised.
   * @throws ShapeError for anything else.
   */
  forward(images: Value, pass: ForwardPass): ImageFeatures {
    return this.forwardFeatureMaps(this.featureMaps(images, pass), pass);
  }

  /**
   * The backbone's maps of `images` as `forward` takes them: the last as `images`, those asked for as `images.LEVEL`,
   * halved where that is asked for.
   */
  featureMaps(images: Value, pass: ForwardPass): FeatureMapValues {
    const ownPass = this.#isBackboneFrozen ? pass.withFrozenStatistics() : pass;
    const { preprocessing, lastLevel } = this.backbone;
    const maps = this.backbone.featureMaps(normalisePixels(images, preprocessing), ownPass);
    const levels = this.#levels.map((level) => {
      const map = maps.get(level.name) as Value;
      return [
        this.#mapName(level),
        level.isHalved ? windowMeanOfMap(map, { size: 2, stride: 2 }) : map,
      ] as const;
    });
    return { images: maps.get(lastLevel.name) as Value, ...Object.fromEntries(levels) };
  }

  /** The rest of `forward`, from feature maps: for those that were computed before. */
  forwardFeatureMaps(featureMaps: FeatureMapValues, pass: ForwardPass): ImageFeatures {
    const projected = this.proj.forward(featureMaps.images); // [B, D, h, w]
    const { regions, ...grid } = regionsOfMap(this.norm ? this.norm.forward(projected, pass) : projected);
    const levels = this.#levels.map((level) => this.#levelFeatures(level, featureMaps, pass));
    return featuresOf(regions, { ...grid, levels });
  }

  #levelFeatures(level: LevelRequest, maps: FeatureMapValues, pass: ForwardPass): LevelFeatures {
    const { name } = level;
    const { regions, ...grid } = regionsOfMap(maps[this.#mapName(level)] as Value);
    const projection = this.levels[name];
    return { name, regions: projection ? projection.forward(regions, pass) : regions, ...grid };
  }

  /** Name of a level's maps among a graph's inputs; the last stage's, as they are, are there as `images`. */
  #mapName({ name, isHalved }: LevelRequest): string {
    return name === this.backbone.lastLevel.name && !isHalved ? "images" : `images.${name}`;
  }
}

/** 1x1 convolution C -> D with bias, and `imageNorm`, on the positions of a stage: [B, N, C] -> [B, N, D]. */
class LevelProjection extends Module {
  readonly proj: Linear;
  readonly norm: BatchNorm1d | undefined;

  constructor(channels: number, { embedDim, imageNorm }: EncoderConfig, random: Random) {
    super();
    this.proj = new Linear(channels, embedDim, random);
    this.norm = imageNorm === "batch" ? new BatchNorm1d(embedDim) : undefined;
  }

  forward(regions: Value, pass: ForwardPass): Value {
    const projected = this.proj.forward(regions);
    return this.norm ? this.norm.forward(projected, pass) : projected;
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
