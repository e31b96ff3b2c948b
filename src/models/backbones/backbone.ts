/** The door for image networks: what an image encoder needs of one, whichever it is. */
import type { Value } from "../../engine/graph/value.js";
import type { Tensor } from "../../engine/tensor/tensor.js";
import type { ImageFit, ResizeKernel } from "../../images/image.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { Module } from "../../nn/module.js";

type PerChannel = readonly [red: number, green: number, blue: number];

/** How a picture becomes what a network sees. Sizes and fit are what it was made for; a run may choose others. */
export interface PicturePreprocessing {
  /** Side of the square that the network sees, cut from the middle of one of `resizePx`. */
  readonly imagePx: number;
  readonly resizePx: number;
  readonly imageFit: ImageFit;
  readonly kernel: ResizeKernel;
  /** The network sees (value - mean) / deviation, value in 0..1. */
  readonly mean: PerChannel;
  readonly deviation: PerChannel;
}

/** A stage of a network whose maps can be asked for. */
export interface Level {
  /** "layer3" */
  readonly name: string;
  readonly channels: number;
  /** A picture of S px has ceil(S / stride) positions along each side. */
  readonly stride: number;
}

/** What was read from a file of published weights. */
export interface LoadedWeights {
  /** The network that the file holds: "resnet50". */
  readonly network: string;
  /** Tensors that the network does not need, such as a classifier's; counters are not named. */
  readonly ignored: readonly string[];
}

/** A network that turns pictures into maps. Its parameters have the names that its published weights have. */
export abstract class Backbone extends Module {
  abstract readonly preprocessing: PicturePreprocessing;
  /** From low to high; the positions of the last one's maps are the picture's regions. */
  abstract readonly levels: readonly [Level, ...Level[]];

  /**
   * Maps by level: float32 pixels [B, 3, H, W], normalised as `preprocessing` says -> each [B, C, h, w]. All levels are
   * there; only those that something depends on are computed.
   */
  abstract featureMaps(pixels: Value, pass: ForwardPass): ReadonlyMap<string, Value>;

  /**
   * Takes over the weights of a published file.
   * @param where the file, for messages.
   * @throws StateDictError that lists every difference; nothing has changed then.
   */
  abstract loadWeights(tensors: ReadonlyMap<string, Tensor>, where: string): LoadedWeights;

  /** The level whose positions are the regions. */
  get lastLevel(): Level {
    return this.levels.at(-1) ?? this.levels[0];
  }
}
