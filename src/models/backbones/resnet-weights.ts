/** Public ResNet weights: which architecture a file holds, and how they get into a model's backbone. */

import type { StaticShape } from "../../engine/tensor/shape.js";
import type { Tensor } from "../../engine/tensor/tensor.js";
import { StateDictError } from "../../errors.js";
import type { Module } from "../../nn/module.js";
import type { LoadedWeights } from "./backbone.js";
import { type ResNetName, resNetArchitectures, resNetBaseChannels } from "./resnet-architectures.js";

/** Which ResNet some tensors are of. */
export interface ResNetIdentity {
  readonly name: ResNetName;
  /** Multiplier of the channels. */
  readonly width: number;
}

/** A classifier's name in torchvision's ResNets, and torch's counters of training batches: no part of a backbone. */
const classifierName = /^fc\./;
const counterName = /(^|\.)num_batches_tracked$/;

/** As `backboneWidth` is limited: a damaged file must not ask for a network of any size. */
const maxWidth = 4;

/** Shapes by name, of a file or of a module. */
type Shaped = ReadonlyMap<string, { readonly shape: StaticShape }>;

/** Names that a backbone does not need, in the order of the file. */
export function ignoredByBackbone(names: Iterable<string>): { classifier: string[]; counters: string[] } {
  const all = [...names];
  return {
    classifier: all.filter((name) => classifierName.test(name)),
    counters: all.filter((name) => counterName.test(name)),
  };
}

/** Tells the ResNet by its blocks and the channels of its first convolution; undefined when it is none of ours. */
export function identifyResNet(tensors: Shaped): ResNetIdentity | undefined {
  const stem = tensors.get("conv1.weight")?.shape;
  const width = (stem?.[0] ?? 0) / resNetBaseChannels;
  if (stem?.length !== 4 || width <= 0 || width > maxWidth) return undefined;
  const block = tensors.has("layer1.0.conv3.weight") ? "bottleneck" : "basic";
  const depths = [1, 2, 3, 4].map((stage) => {
    let depth = 0;
    while (tensors.has(`layer${stage}.${depth}.conv1.weight`)) depth += 1;
    return depth;
  });
  const found = Object.entries(resNetArchitectures).find(
    ([, known]) => known.block === block && known.depths.every((depth, stage) => depth === depths[stage]),
  );
  return found && { name: found[0] as ResNetName, width };
}

/**
 * Puts a file's values into `backbone`. A classifier (`fc.*`) and `num_batches_tracked` are passed over; float64 is
 * rounded to float32.
 * @param where the file, for messages.
 * @returns the network that the file holds, and the classifier's names that were passed over.
 * @throws StateDictError that says which network the file holds and lists every difference; nothing has changed then.
 */
export function loadResNetWeights(
  backbone: Module,
  tensors: ReadonlyMap<string, Tensor>,
  where: string,
): LoadedWeights {
  const ignored = ignoredByBackbone(tensors.keys());
  const passedOver = new Set([...ignored.classifier, ...ignored.counters]);
  const given = new Map([...tensors].filter(([name]) => !passedOver.has(name)));
  const state = new Map<string, Tensor<"float32">>();
  const wrongTypes: string[] = [];
  for (const [name, tensor] of given) {
    const values = toFloat32(tensor);
    if (values) state.set(name, values);
    else wrongTypes.push(`${name} has type ${tensor.dtype}, expected float32`);
  }
  const problems = [...backbone.differencesFrom(given), ...wrongTypes];
  if (problems.length > 0) {
    const found = advice(identifyResNet(tensors), identifyResNet(backbone.state()));
    throw new StateDictError(`${where}: ${found}:${problems.map((problem) => `\n  - ${problem}`).join("")}`);
  }
  backbone.loadStateDict(state);
  return { network: identifyResNet(tensors)?.name ?? "", ignored: ignored.classifier };
}

/** float32 as it is, float64 rounded; undefined for whole numbers. */
export function toFloat32(tensor: Tensor): Tensor<"float32"> | undefined {
  const { dtype, shape, data } = tensor;
  if (dtype === "float32") return tensor as Tensor<"float32">;
  return dtype === "float64"
    ? { dtype: "float32", shape, data: Float32Array.from(data as Float64Array) }
    : undefined;
}

function advice(given: ResNetIdentity | undefined, wanted: ResNetIdentity | undefined): string {
  if (!given) return "holds none of the known ResNets; check the path";
  const text = ({ name, width }: ResNetIdentity) => `${name} at width ${width}`;
  if (!wanted || (given.name === wanted.name && given.width === wanted.width))
    return `holds a ${text(given)} with other tensors; give weights with torchvision's names`;
  return (
    `holds a ${text(given)}, expected a ${text(wanted)}; give other weights, or train with ` +
    `--set backbone=${given.name} backboneWidth=${given.width}`
  );
}
