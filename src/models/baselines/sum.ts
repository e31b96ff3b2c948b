/** Baseline: image plus text. */
import { add } from "../../engine/ops/arithmetic.js";
import { type Composition, CompositionModel } from "../composition-model.js";
import type { ImageFeatures } from "../image-encoder.js";
import type { TextFeatures } from "../text-encoder.js";

/** q = x + s, the reference's embedding and the sentence. */
export class Sum extends CompositionModel {
  compose({ embedding }: ImageFeatures, { sentence }: TextFeatures): Composition {
    return { q: add(embedding, sentence) };
  }
}
