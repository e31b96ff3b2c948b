/** The classes that a ResNet with its classifier sees in images. */

import { Input } from "../../engine/graph/value.js";
import { GraphSession } from "../../engine/runtime/session.js";
import { Random } from "../../engine/tensor/random.js";
import { type Tensor, tensor } from "../../engine/tensor/tensor.js";
import { WeightsError } from "../../errors.js";
import { readClassifierImage } from "../../images/classifier-image.js";
import { resNetOutChannels } from "../../models/backbones/resnet-architectures.js";
import { ResNetClassifier } from "../../models/backbones/resnet-classifier.js";
import { type ResNetIdentity, toFloat32 } from "../../models/backbones/resnet-weights.js";
import { ForwardPass } from "../../nn/forward-pass.js";

/** A class and its probability, 0 to 1. */
export interface ClassScore {
  readonly index: number;
  readonly probability: number;
}

/** The classifier that a file holds. @throws WeightsError without `fc.weight`, StateDictError for wrong shapes. */
export function classifierOf(
  tensors: ReadonlyMap<string, Tensor>,
  { file, architecture }: { readonly file: string; readonly architecture: ResNetIdentity },
): ResNetClassifier {
  const { name, width } = architecture;
  const [classCount, inFeatures] = tensors.get("fc.weight")?.shape ?? [];
  const channels = resNetOutChannels(name, width);
  if (classCount === undefined || inFeatures !== channels) {
    throw new WeightsError(
      `${file}: needs a classifier to see classes, fc.weight of [classes, ${channels}]; got ${tensors.get("fc.weight")?.shape.join(", ") ?? "none"}; leave --image out`,
    );
  }
  const model = new ResNetClassifier(name, new Random(0), { width, classCount });
  const state = new Map<string, Tensor<"float32">>();
  for (const [key, value] of tensors) {
    const values = toFloat32(value);
    if (values) state.set(key, values);
  }
  model.loadStateDict(state);
  return model;
}

/** The `count` most probable classes of each file, best first. @throws ImageError for an image that cannot be read. */
export async function classifyImages(
  model: ResNetClassifier,
  files: readonly string[],
  { count = 5 }: { readonly count?: number } = {},
): Promise<ReadonlyMap<string, readonly ClassScore[]>> {
  let session: GraphSession<"logits"> | undefined;
  const result = new Map<string, readonly ClassScore[]>();
  try {
    for (const file of files) {
      const { data, sizePx } = await readClassifierImage(file);
      const images = tensor("uint8", [1, sizePx, sizePx, 3], data);
      session ??= await GraphSession.compile({
        logits: model.logits(
          new Input("images", "uint8", ["batch", sizePx, sizePx, 3]),
          ForwardPass.inference(),
        ),
      });
      const { logits } = await session.run({ images });
      result.set(file, mostProbable(logits.data as Float32Array, count));
    }
  } finally {
    await session?.release();
  }
  return result;
}

/** Softmax of `logits`, the `count` largest. */
export function mostProbable(logits: Float32Array, count: number): ClassScore[] {
  const largest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = logits.map((logit) => Math.exp(logit - largest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return [...powers]
    .map((power, index) => ({ index, probability: power / total }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, count);
}
