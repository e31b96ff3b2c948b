/** What training, evaluation and export see of every model. */
import type { Parameter, Value } from "../engine/graph/value.js";
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
import {
  type FeatureMapValues,
  ImageEncoder,
  type ImageFeatures,
  type LevelRequest,
  mapFeatures,
} from "./image-encoder.js";
import type { Parts } from "./parts.js";
import type { TextEncoder, TextFeatures } from "./text-encoder.js";
import { createTextEncoder } from "./text-encoders/registry.js";

/** A query as a model composes it. Only `q` is there for every model. */
export interface Composition {
  /** Query embedding, not normalised: [B, E], E being the width of the gallery's embeddings. */
  readonly q: Value;
  /** What `q` was joined from by `joinParts`, or other vectors of the query, for the losses. */
  readonly parts?: Parts;
  /** What `pairScoring` needs of a query: [B, W]. */
  readonly pairRow?: Value;
  /** What the consistency loss compares with, not normalised: [B, D]. */
  readonly u?: Value;
  /** Route weights by layer, each [B, M, J]. */
  readonly routes?: readonly Value[];
  /** Router logits by layer, for self path distillation. */
  readonly logits?: readonly RouterLogits[];
  /** Attention of regions to words by layer, each [B, heads, N, T]. */
  readonly wordAttention?: readonly (Value | undefined)[];
}

/** What a query is composed of. */
export interface ComposedFeatures {
  readonly reference: ImageFeatures;
  readonly text: TextFeatures;
}

/** What an image is found by. */
export interface TargetEmbedding {
  /** t [B, E], not normalised. */
  readonly embedding: Value;
  /** What it was joined from by `joinParts`, or other vectors of the image, for the losses. */
  readonly parts?: Parts;
}

/** How a model scores a query with an image where no dot product of embeddings can. */
export interface PairScoring {
  /** Which images of an index are scored so: the best of a search by embeddings, or all. Evaluation scores all. */
  readonly candidates: number | "all";
  /** Builds the graph: query rows [Q, W] (`Composition.pairRow`), unit gallery embeddings [M, E] -> scores [Q, M]. */
  score(queries: Value, gallery: Value): Value;
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
  /** The target as `embedTarget` gives it. */
  readonly targetEmbedding: TargetEmbedding;
  /** Only for a model that is self-distilled. */
  readonly teacher?: TeacherSignal | undefined;
}

/** What a model tells its encoders, and what a definition tells a model. */
export interface ModelOptions {
  /** Stages of the backbone whose maps `compose` and `embedTarget` look at beside the regions: by name, or as a request. */
  readonly levels?: readonly (string | LevelRequest)[];
  /** Side of the pictures, px: for models with parameters of a map's shape. */
  readonly imagePx?: number;
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

  constructor(
    config: EncoderConfig,
    vocabularySize: number,
    random: Random,
    { levels = [] }: ModelOptions = {},
  ) {
    super();
    this.image = new ImageEncoder(config, random, levels);
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
    return [classificationPart(scaledSimilarity(composition.q, targetEmbedding.embedding, this.scale))];
  }

  /** What a gallery's image is found by, in training, evaluation, export and index. Its own embedding by default. */
  embedTarget({ embedding }: ImageFeatures, _pass: ForwardPass): TargetEmbedding {
    return { embedding };
  }

  /** How pairs are scored where the cosine of `q` and `t` does not decide; undefined by default. */
  get pairScoring(): PairScoring | undefined {
    return undefined;
  }

  /** The modules that decide on routes, whose gradients are looked at apart; none by default. */
  get routers(): readonly Module[] {
    return [];
  }

  /** The query of a reference and a text. */
  abstract compose(reference: ImageFeatures, text: TextFeatures, pass: ForwardPass): Composition;

  /**
   * The query with route weights that are given, by layer [B, M, J], in place of the model's own; undefined for a model
   * that has no routes, as is the default.
   */
  composeAlong(
    _routes: readonly Value[],
    _query: ComposedFeatures,
    _pass: ForwardPass,
  ): Composition | undefined {
    return undefined;
  }

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
    return this.#pairs({ images }, (half) => this.encodeImages(half.images, pass));
  }

  /** As `encodePairs`, from the backbone's feature maps, each [2B, C, h, w]. */
  encodePairsOfFeatureMaps(
    featureMaps: FeatureMapValues,
    pass: ForwardPass,
  ): { reference: ImageFeatures; target: ImageFeatures } {
    return this.#pairs(featureMaps, (half) => this.image.forwardFeatureMaps(half, pass));
  }

  #pairs(given: FeatureMapValues, encode: (given: FeatureMapValues) => ImageFeatures) {
    const half = (of: "first" | "second") => (x: Value) => {
      const count = x.dim(0) / 2;
      const start = of === "first" ? 0 : count;
      return slice(x, { axis: 0, start, end: start + count });
    };
    const halfOf = (of: "first" | "second"): FeatureMapValues => ({
      ...Object.fromEntries(Object.entries(given).map(([name, value]) => [name, half(of)(value)])),
      images: half(of)(given.images),
    });
    if (this.#imagePasses === "separate") {
      return { reference: encode(halfOf("first")), target: encode(halfOf("second")) };
    }
    const features = encode(given);
    return {
      reference: mapFeatures(features, half("first")),
      target: mapFeatures(features, half("second")),
    };
  }
}
