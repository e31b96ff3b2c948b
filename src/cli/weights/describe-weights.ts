/** What `sdfn weights check` says of a weights file. */

import { Random } from "../../engine/tensor/random.js";
import { elementCount } from "../../engine/tensor/shape.js";
import { ResNet } from "../../models/backbones/resnet.js";
import type { ResNetName } from "../../models/backbones/resnet-architectures.js";
import {
  identifyResNet,
  ignoredByBackbone,
  loadResNetWeights,
  type ResNetIdentity,
} from "../../models/backbones/resnet-weights.js";
import type { WeightsFile } from "../../weights/read-weights.js";

export interface WeightsDescription {
  readonly format: string;
  /** Undefined where the file holds none of the ResNets that the program knows. */
  readonly architecture: ResNetIdentity | undefined;
  /** Classes of the classifier, where there is one. */
  readonly classes: number | undefined;
  readonly tensors: number;
  /** Elements of all tensors except running statistics and counters. */
  readonly parameters: number;
  /** Tensors of each stored type. */
  readonly types: Readonly<Record<string, number>>;
  /** Names that a backbone does not take. */
  readonly ignored: readonly string[];
  /** Are the batch norms' running means 0 and variances 1, as after folding? */
  readonly isFolded: boolean;
}

/**
 * Describes a file, and compares every name and shape with the ResNet it claims to be.
 * @param wanted the ResNet it must be; by default the one whose blocks it has.
 * @throws StateDictError that lists all differences.
 */
export function describeWeights(
  { format, tensors, storedTypes }: WeightsFile,
  { file, wanted }: { readonly file: string; readonly wanted?: ResNetName | undefined },
): WeightsDescription {
  const found = identifyResNet(tensors);
  const compared = wanted === undefined ? found : { name: wanted, width: found?.width ?? 1 };
  if (compared) {
    const { name, width } = compared;
    loadResNetWeights(new ResNet(name, new Random(0), { width }), tensors, file);
  }
  const { classifier, counters } = ignoredByBackbone(tensors.keys());
  const statistics = [...tensors].filter(([name]) => /(^|\.)running_(mean|var)$/.test(name));
  const types: Record<string, number> = {};
  for (const type of storedTypes.values()) types[type] = (types[type] ?? 0) + 1;
  const uncounted = new Set([...counters, ...statistics.map(([name]) => name)]);
  return {
    format,
    architecture: compared,
    classes: tensors.get("fc.weight")?.shape[0],
    tensors: tensors.size,
    parameters: [...tensors].reduce(
      (sum, [name, { shape }]) => sum + (uncounted.has(name) ? 0 : elementCount(shape)),
      0,
    ),
    types,
    ignored: [...classifier, ...counters],
    isFolded:
      statistics.length > 0 &&
      statistics.every(([name, { data }]) => {
        const expected = name.endsWith("mean") ? 0 : 1;
        return data.every((value: number | bigint) => Number(value) === expected);
      }),
  };
}
