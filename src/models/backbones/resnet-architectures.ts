/** The ResNets that there are: depths, blocks, channels, levels. */
import type { Level } from "./backbone.js";

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
export const expansions = { basic: 1, bottleneck: 4 } as const;

/** Channels of the first stage at width 1. */
export const resNetBaseChannels = 64;

/** Channels of the last feature map. `width` multiplies the channels of every stage. */
export function resNetOutChannels(name: ResNetName, width: number): number {
  return resNetBaseChannels * width * 8 * expansions[resNetArchitectures[name].block];
}

/** Outputs of the four stages: of a quarter to a 32nd of the picture's sides, rounded up. */
export function resNetLevels(name: ResNetName, width: number): readonly [Level, Level, Level, Level] {
  const level = (index: number): Level => ({
    name: `layer${index + 1}`,
    channels: resNetBaseChannels * width * 2 ** index * expansions[resNetArchitectures[name].block],
    stride: 4 * 2 ** index,
  });
  return [level(0), level(1), level(2), level(3)];
}
