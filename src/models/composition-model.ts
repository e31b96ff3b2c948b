/** What training, evaluation and export see of every model. */
import type { Parameter, Value } from "../engine/graph/value.js";
import { l2Normalise } from "../engine/ops/normalisation.js";
import { slice } from "../engine/ops/shape.js";
import type { Random } from "../engine/tensor/random.js";
import type { ForwardPass } from "../nn/forward-pass.js";
import { filled, parameter } from "../nn/initial-values.js";
import type { ConsistencyForm } from "../nn/losses/consistency.js";
import type { PathDistillationOptions } from "../nn/losses/path-distillation.js";
import type { RouterLogits } from "../nn/losses/routes.js";
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

/** The losses beside batch-based classification, and their weights lambda. A baseline has none. */
export interface AuxiliaryLosses {
  readonly distillation?: PathDistillationOptions & { readonly weight: number };
  readonly consistency?: { readonly form: ConsistencyForm; readonly weight: number };
}

/**
 * A model of composed image retrieval: two encoders, a way of composing, and the scale of the similarity.
 * Names of parameters begin with `image.backbone.`, `image.`, `text.embedding.`, `text.`, `scale`, and what the
 * model adds.
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

  /** What `objective` adds to batch-based classification. */
  get auxiliaryLosses(): AuxiliaryLosses {
    return {};
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

  /** What a gallery is searched by, of unit length: images as `encodeImages` takes them -> [B, D]. */
  imageEmbedding(images: Value, pass: ForwardPass): Value {
    return l2Normalise(this.encodeImages(images, pass).embedding, { axis: 1 });
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
