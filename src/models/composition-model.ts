/** What training, evaluation and export see of every model. */
import type { Parameter, Value } from "../engine/graph/value.js";
import { l2Normalise } from "../engine/ops/normalisation.js";
import { slice } from "../engine/ops/shape.js";
import type { Random } from "../engine/tensor/random.js";
import type { ForwardPass } from "../nn/forward-pass.js";
import { filled, parameter } from "../nn/initial-values.js";
import { classificationPart } from "../nn/losses/batch-classification.js";
import type { RouterLogits } from "../nn/losses/routes.js";
import { scaledSimilarity } from "../nn/losses/similarity.js";
import type { LossPart } from "../nn/losses/total.js";
import { Module } from "../nn/module.js";
import type { EncoderConfig } from "./encoder-config.js";
import { ImageEncoder, type ImageFeatures } from "./image-encoder.js";
import type { TextEncoder, TextFeatures } from "./text-encoder.js";
import { createTextEncoder } from "./text-encoders/registry.js";

/** A query as a model composes it. Only `q` is there for every model. */
export interface Composition {
  /** Query embedding, not normalised: [B, D]. */
  readonly q: Value;
  /** What the consistency loss compares with, not normalised: [B, D]. */
  readonly u?: Value;
  /** Route weights by layer, each [B, M, J]. */
  readonly routes?: readonly Value[];
  /** Router logits by layer, for self path distillation. */
  readonly logits?: readonly RouterLogits[];
  /** Attention of regions to words by layer, each [B, heads, N, T]. */
  readonly wordAttention?: readonly (Value | undefined)[];
}

/** A teacher's answers on a batch, for a model that is self-distilled. */
export interface TeacherSignal {
  /** Router logits by layer, of the shapes of the student's. */
  readonly logits: readonly RouterLogits[];
  /** [], 0 as long as there is no teacher and 1 afterwards: a factor of the weight. 1 by default. */
  readonly factor?: Value | undefined;
}

/** A training batch as losses see it: what the model gives for B triplets, each value with B rows. */
export interface BatchFeatures {
  readonly composition: Composition;
  readonly reference: ImageFeatures;
  readonly text: TextFeatures;
  readonly target: ImageFeatures;
  /** t [B, E], the target as `embedTarget` gives it, not normalised. */
  readonly targetEmbedding: Value;
  /** Only for a model that is self-distilled. */
  readonly teacher?: TeacherSignal | undefined;
}

/**
 * A model of composed image retrieval: two encoders, a way of composing, and the scale of the similarity.
 * Names of parameters begin with `image.backbone.`, `image.`, `text.embedding.`, `text.`, `scale`, and what the
 * model adds.
 * @example
 * import { add, CompositionModel, defineModel } from "sdfn/models";
 * class Sum extends CompositionModel {
 *   compose({ embedding }, { sentence }) {
 *     return { q: add(embedding, sentence) };
 *   }
 * }
 * export default defineModel({ name: "my-sum", modelClass: Sum });
 */
export abstract class CompositionModel extends Module {
  readonly image: ImageEncoder;
  readonly text: TextEncoder;
  /** Factor of the cosine in the softmax over the batch: []. */
  readonly scale: Parameter;
  readonly #imagePasses: EncoderConfig["imagePasses"];

  constructor(config: EncoderConfig, vocabularySize: number, random: Random) {
    super();
    this.image = new ImageEncoder(config, random);
    this.text = createTextEncoder(config, vocabularySize, random);
    this.scale = parameter([], filled(config.initialScale));
    this.#imagePasses = config.imagePasses;
  }

  /** Is there a loss that follows a teacher, the model as it stood at the end of the preceding epoch? */
  get isSelfDistilled(): boolean {
    return false;
  }

  /**
   * What training minimises: the weighted sum of these parts. Batch-based classification by default; a model with losses
   * of its own adds to `super.losses(batch, pass)`, or gives others. Metrics, guards and reports know each by its name.
   * With micro-batches the batch is whole here, and only here.
   */
  losses({ composition, targetEmbedding }: BatchFeatures, _pass: ForwardPass): readonly LossPart[] {
    return [classificationPart(scaledSimilarity(composition.q, targetEmbedding, this.scale))];
  }

  /** What a gallery's image is found by: [B, E], not normalised, E being the width of `q`. Its embedding by default. */
  embedTarget({ embedding }: ImageFeatures, _pass: ForwardPass): Value {
    return embedding;
  }

  /** The query of a reference and a text. */
  abstract compose(reference: ImageFeatures, text: TextFeatures, pass: ForwardPass): Composition;

  /** images uint8 [B, H, W, 3] or normalised float32 [B, 3, H, W] -> regions [B, N, D], embedding [B, D]. */
  encodeImages(images: Value, pass: ForwardPass): ImageFeatures {
    return this.image.forward(images, pass);
  }

  /** tokens int64 [B, T], lengths int64 [B] -> words [B, T, D], sentence [B, D], mask bool [B, T]. */
  encodeText(tokens: Value, lengths: Value): TextFeatures {
    return this.text.forward(tokens, lengths);
  }

  /**
   * References and targets of a training batch: images [2B, ...], references first. One pass through the encoder,
   * or two where the configuration says so; batch norm sees one batch or two then.
   */
  encodePairs(images: Value, pass: ForwardPass): { reference: ImageFeatures; target: ImageFeatures } {
    return this.#pairs(images, (half) => this.encodeImages(half, pass));
  }

  /** As `encodePairs`, from the backbone's feature maps [2B, C, h, w]. */
  encodePairsOfFeatureMaps(
    featureMaps: Value,
    pass: ForwardPass,
  ): { reference: ImageFeatures; target: ImageFeatures } {
    return this.#pairs(featureMaps, (half) => this.image.forwardFeatureMaps(half, pass));
  }

  /** What a gallery is searched with, of unit length: [B, D]. */
  queryEmbedding({ q }: Composition): Value {
    return l2Normalise(q, { axis: 1 });
  }

  #pairs(images: Value, encode: (images: Value) => ImageFeatures) {
    const count = images.dim(0) / 2;
    const halves = (x: Value): [Value, Value] => [
      slice(x, { axis: 0, start: 0, end: count }),
      slice(x, { axis: 0, start: count, end: 2 * count }),
    ];
    if (this.#imagePasses === "separate") {
      const [references, targets] = halves(images);
      return { reference: encode(references), target: encode(targets) };
    }
    const { regions, embedding, ...grid } = encode(images);
    const [referenceRegions, targetRegions] = halves(regions);
    const [referenceEmbedding, targetEmbedding] = halves(embedding);
    return {
      reference: { regions: referenceRegions, embedding: referenceEmbedding, ...grid },
      target: { regions: targetRegions, embedding: targetEmbedding, ...grid },
    };
  }
}
