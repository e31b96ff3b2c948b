/** Baseline: the reference image alone. */
import { type Composition, CompositionModel } from "../composition-model.js";
import type { ImageFeatures } from "../image-encoder.js";

/** q = x, the reference's embedding: what is found without the text. */
export class ImageOnly extends CompositionModel {
  compose({ embedding }: ImageFeatures): Composition {
    return { q: embedding };
  }
}
