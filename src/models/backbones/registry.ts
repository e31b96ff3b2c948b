/** Every backbone by name. A new one is a file that extends `Backbone`, and a line here. */
import type { Random } from "../../engine/tensor/random.js";
import type { Backbone, Level, PicturePreprocessing } from "./backbone.js";
import { ResNet, resNetPreprocessing } from "./resnet.js";
import { type ResNetName, resNetLevels } from "./resnet-architectures.js";

/** Fields of the configuration that choose a network's size. */
export interface BackboneSize {
  /** Multiplies the channels of every stage. */
  readonly backboneWidth: number;
}

interface BackboneDefinition {
  /** Known before there is a network: the defaults of a run's sizes. */
  readonly preprocessing: PicturePreprocessing;
  /** Known before there is a network: the levels that it will have. */
  levels(size: BackboneSize): readonly [Level, ...Level[]];
  create(size: BackboneSize, random: Random): Backbone;
}

function resNet(name: ResNetName): BackboneDefinition {
  return {
    preprocessing: resNetPreprocessing,
    levels: ({ backboneWidth }) => resNetLevels(name, backboneWidth),
    create: ({ backboneWidth }, random) => new ResNet(name, random, { width: backboneWidth }),
  };
}

const definitions = {
  resnet18: resNet("resnet18"),
  resnet34: resNet("resnet34"),
  resnet50: resNet("resnet50"),
  resnet101: resNet("resnet101"),
} satisfies Record<string, BackboneDefinition>;

export type BackboneName = keyof typeof definitions;

/** Names of all backbones. */
export const backboneNames = Object.keys(definitions) as [BackboneName, ...BackboneName[]];

/** The definition of a backbone. */
export function backboneDefinition(name: BackboneName): BackboneDefinition {
  return definitions[name];
}
