/** ResNets up to their last feature map, with torchvision's names and layout. */

import type { Value } from "../../engine/graph/value.js";
import { add } from "../../engine/ops/arithmetic.js";
import { relu } from "../../engine/ops/elementwise.js";
import { maxPool2d } from "../../engine/ops/pool.js";
import type { Random } from "../../engine/tensor/random.js";
import type { Tensor } from "../../engine/tensor/tensor.js";
import { ShapeError } from "../../errors.js";
import { BatchNorm2d } from "../../nn/batch-norm2d.js";
import { Conv2d } from "../../nn/conv2d.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { kaimingNormalFanOut } from "../../nn/initial-values.js";
import { Module } from "../../nn/module.js";
import { Backbone, type Level, type LoadedWeights, type PicturePreprocessing } from "./backbone.js";
import {
  expansions,
  type ResNetName,
  resNetArchitectures,
  resNetBaseChannels,
  resNetLevels,
} from "./resnet-architectures.js";
import { loadResNetWeights } from "./resnet-weights.js";

/** What torchvision's weights were trained with: ImageNet's mean and deviation, pictures of 224 px. */
export const resNetPreprocessing: PicturePreprocessing = {
  imagePx: 224,
  resizePx: 256,
  imageFit: "squash",
  kernel: "lanczos3",
  mean: [0.485, 0.456, 0.406],
  deviation: [0.229, 0.224, 0.225],
};

interface BlockSizes {
  readonly inChannels: number;
  readonly channels: number;
  readonly stride: number;
}

/** y = ReLU(F(x) + shortcut(x)); x [B, inChannels, H, W] -> [B, channels · expansion, H / stride, W / stride]. */
abstract class ResidualBlock extends Module {
  abstract readonly downsample: readonly [Conv2d, BatchNorm2d] | undefined;

  abstract branch(x: Value, pass: ForwardPass): Value;

  forward(x: Value, pass: ForwardPass): Value {
    const [conv, norm] = this.downsample ?? [];
    const shortcut = conv && norm ? norm.forward(conv.forward(x), pass) : x;
    return relu(add(this.branch(x, pass), shortcut));
  }
}

/** Two 3x3 convolutions. */
class BasicBlock extends ResidualBlock {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly downsample: readonly [Conv2d, BatchNorm2d] | undefined;

  constructor({ inChannels, channels, stride }: BlockSizes, random: Random) {
    super();
    this.conv1 = convolution(inChannels, channels, random, { kernel: 3, stride });
    this.bn1 = new BatchNorm2d(channels);
    this.conv2 = convolution(channels, channels, random, { kernel: 3 });
    this.bn2 = new BatchNorm2d(channels);
    this.downsample = downsample(inChannels, channels, stride, random);
  }

  branch(x: Value, pass: ForwardPass): Value {
    const h = relu(this.bn1.forward(this.conv1.forward(x), pass));
    return this.bn2.forward(this.conv2.forward(h), pass);
  }
}

/** 1x1 down, 3x3 (which carries the stride, as torchvision's), 1x1 up to four times the channels. */
class Bottleneck extends ResidualBlock {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly conv3: Conv2d;
  readonly bn3: BatchNorm2d;
  readonly downsample: readonly [Conv2d, BatchNorm2d] | undefined;

  constructor({ inChannels, channels, stride }: BlockSizes, random: Random) {
    super();
    const outChannels = channels * expansions.bottleneck;
    this.conv1 = convolution(inChannels, channels, random, { kernel: 1 });
    this.bn1 = new BatchNorm2d(channels);
    this.conv2 = convolution(channels, channels, random, { kernel: 3, stride });
    this.bn2 = new BatchNorm2d(channels);
    this.conv3 = convolution(channels, outChannels, random, { kernel: 1 });
    this.bn3 = new BatchNorm2d(outChannels);
    this.downsample = downsample(inChannels, outChannels, stride, random);
  }

  branch(x: Value, pass: ForwardPass): Value {
    const narrow = relu(this.bn1.forward(this.conv1.forward(x), pass));
    const h = relu(this.bn2.forward(this.conv2.forward(narrow), pass));
    return this.bn3.forward(this.conv3.forward(h), pass);
  }
}

/**
 * He et al. 2016 without the classifier; parameter names, layout and initial values are torchvision's.
 * x [B, 3, H, W], normalised by ImageNet's mean and deviation -> [B, outChannels, H / 32, W / 32] (rounded up).
 * `width` multiplies the channels of every stage.
 * @throws ShapeError when width · 64 is not a positive integer.
 */
export class ResNet extends Backbone {
  readonly preprocessing = resNetPreprocessing;
  readonly levels: readonly [Level, ...Level[]];
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly layer1: readonly ResidualBlock[];
  readonly layer2: readonly ResidualBlock[];
  readonly layer3: readonly ResidualBlock[];
  readonly layer4: readonly ResidualBlock[];

  constructor(name: ResNetName, random: Random, { width = 1 }: { readonly width?: number } = {}) {
    super();
    const base = resNetBaseChannels * width;
    if (!Number.isInteger(base) || base < 1)
      throw new ShapeError("ResNet", "width · 64 must be a positive integer", { width });
    const { depths, block } = resNetArchitectures[name];
    const Block = block === "basic" ? BasicBlock : Bottleneck;
    let inChannels = base;
    const stage = (index: number): ResidualBlock[] =>
      Array.from({ length: depths[index] ?? 0 }, (_, i) => {
        const channels = base * 2 ** index;
        const stride = i === 0 && index > 0 ? 2 : 1;
        const built = new Block({ inChannels, channels, stride }, random);
        inChannels = channels * expansions[block];
        return built;
      });
    this.conv1 = convolution(3, base, random, { kernel: 7, stride: 2 });
    this.bn1 = new BatchNorm2d(base);
    this.layer1 = stage(0);
    this.layer2 = stage(1);
    this.layer3 = stage(2);
    this.layer4 = stage(3);
    this.levels = resNetLevels(name, width);
  }

  /** Channels of the last feature map. */
  get outChannels(): number {
    return this.lastLevel.channels;
  }

  /** The last feature map. */
  forward(x: Value, pass: ForwardPass): Value {
    return this.#stages(x, pass)[3];
  }

  /** Outputs of the four stages: `layer1` to `layer4`, of a quarter to a 32nd of the picture's sides. */
  featureMaps(pixels: Value, pass: ForwardPass): ReadonlyMap<string, Value> {
    const [layer1, layer2, layer3, layer4] = this.#stages(pixels, pass);
    return new Map(Object.entries({ layer1, layer2, layer3, layer4 }));
  }

  loadWeights(tensors: ReadonlyMap<string, Tensor>, where: string): LoadedWeights {
    return loadResNetWeights(this, tensors, where);
  }

  #stages(x: Value, pass: ForwardPass): readonly [Value, Value, Value, Value] {
    const through = (blocks: readonly ResidualBlock[], from: Value) =>
      blocks.reduce((h, block) => block.forward(h, pass), from);
    const stem = relu(this.bn1.forward(this.conv1.forward(x), pass));
    const layer1 = through(this.layer1, maxPool2d(stem, { kernel: 3, stride: 2, padding: 1 }));
    const layer2 = through(this.layer2, layer1);
    const layer3 = through(this.layer3, layer2);
    return [layer1, layer2, layer3, through(this.layer4, layer3)];
  }
}

/** "Same" padding, no bias: batch norm follows. */
function convolution(
  inChannels: number,
  outChannels: number,
  random: Random,
  { kernel, stride = 1 }: { readonly kernel: number; readonly stride?: number },
): Conv2d {
  const padding = (kernel - 1) / 2;
  return new Conv2d(inChannels, outChannels, random, {
    kernel,
    stride,
    padding,
    bias: false,
    initial: kaimingNormalFanOut(random),
  });
}

/** The shortcut where shapes change; elsewhere x itself. */
function downsample(
  inChannels: number,
  outChannels: number,
  stride: number,
  random: Random,
): readonly [Conv2d, BatchNorm2d] | undefined {
  if (stride === 1 && inChannels === outChannels) return undefined;
  return [convolution(inChannels, outChannels, random, { kernel: 1, stride }), new BatchNorm2d(outChannels)];
}
