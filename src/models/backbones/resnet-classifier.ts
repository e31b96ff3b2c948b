/** torchvision's ResNets with their classifier: to see whether weights are what they should be. */
import type { Value } from "../../engine/graph/value.js";
import { mean } from "../../engine/ops/reduce.js";
import type { Random } from "../../engine/tensor/random.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { Linear } from "../../nn/linear.js";
import { normalisePixels } from "../image-encoder.js";
import { ResNet } from "./resnet.js";
import type { ResNetName } from "./resnet-architectures.js";

/** Names are torchvision's: the backbone's, `fc.weight` [classes, C] and `fc.bias` [classes]. */
export class ResNetClassifier extends ResNet {
  readonly fc: Linear;

  constructor(
    name: ResNetName,
    random: Random,
    { width = 1, classCount }: { readonly width?: number; readonly classCount: number },
  ) {
    super(name, random, { width });
    this.fc = new Linear(this.outChannels, classCount, random);
  }

  /**
   * Scores of the classes, before any softmax: images as `ImageEncoder.forward` takes them -> [B, classes].
   * @throws ShapeError for other images.
   */
  logits(images: Value, pass: ForwardPass): Value {
    return this.fc.forward(
      mean(this.forward(normalisePixels(images, this.preprocessing), pass), { axes: [2, 3] }),
    );
  }
}
