/** Baseline: the modification text alone. */
import { type Composition, CompositionModel } from "../composition-model.js";
import type { ImageFeatures } from "../image-encoder.js";
import type { TextFeatures } from "../text-encoder.js";

/** q = s, the sentence: what is found without the reference. */
export class TextOnly extends CompositionModel {
  compose(_reference: ImageFeatures, { sentence }: TextFeatures): Composition {
    return { q: sentence };
  }
}
