/** ResNets up to their last feature map, with torchvision's names and layout. */

import type { Value } from "../engine/graph/value.js";
import { add } from "../engine/ops/arithmetic.js";
import { relu } from "../engine/ops/elementwise.js";
import { maxPool2d } from "../engine/ops/pool.js";
import type { Random } from "../engine/tensor/random.js";
import { ShapeError } from "../errors.js";
import { BatchNorm2d } from "../nn/batch-norm2d.js";
import { Conv2d } from "../nn/conv2d.js";
import type { ForwardPass } from "../nn/forward-pass.js";
import { kaimingNormalFanOut } from "../nn/initial-values.js";
import { Module } from "../nn/module.js";

/** Blocks per stage and kind of block. */
export const resNetArchitectures = {
  resnet18: { depths: [2, 2, 2, 2], block: "basic" },
  resnet34: { depths: [3, 4, 6, 3], block: "basic" },
  resnet50: { depths: [3, 4, 6, 3], block: "bottleneck" },
  resnet101: { depths: [3, 4, 23, 3], block: "bottleneck" },
} as const;

export type ResNetName = keyof typeof resNetArchitectures;
export const resNetNames = Object.keys(resNetArchitectures) as [ResNetName, ...ResNetName[]];

/** Output channels of a block for each channel inside. */
const expansions = { basic: 1, bottleneck: 4 } as const;

/** Channels of the first stage at width 1. */
export const resNetBaseChannels = 64;

/** Channels of the last feature map. `width` multiplies the channels of every stage. */
export function resNetOutChannels(name: ResNetName, width: number): number {
  return resNetBaseChannels * width * 8 * expansions[resNetArchitectures[name].block];
}

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
export class ResNet extends Module {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly layer1: readonly ResidualBlock[];
  readonly layer2: readonly ResidualBlock[];
  readonly layer3: readonly ResidualBlock[];
  readonly layer4: readonly ResidualBlock[];
  readonly #outChannels: number;

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
    this.#outChannels = inChannels;
  }

  /** Channels of the last feature map. */
  get outChannels(): number {
    return this.#outChannels;
  }

  forward(x: Value, pass: ForwardPass): Value {
    const stem = relu(this.bn1.forward(this.conv1.forward(x), pass));
    const blocks = [this.layer1, this.layer2, this.layer3, this.layer4].flat();
    return blocks.reduce(
      (h, block) => block.forward(h, pass),
      maxPool2d(stem, { kernel: 3, stride: 2, padding: 1 }),
    );
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
