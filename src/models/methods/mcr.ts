/** MCR, a reconstruction: regions and words change each other, each side is pooled under the guidance of the other. */
import { z } from "zod";
import type { Value } from "../../engine/graph/value.js";
import { add, multiply } from "../../engine/ops/arithmetic.js";
import { relu } from "../../engine/ops/elementwise.js";
import { matmul } from "../../engine/ops/matmul.js";
import { concat, expandDims, reshape, transposeLast } from "../../engine/ops/shape.js";
import type { Random } from "../../engine/tensor/random.js";
import { AttentionBlock } from "../../nn/attention-block.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { Linear } from "../../nn/linear.js";
import { batchClassificationLoss } from "../../nn/losses/batch-classification.js";
import { scaledSimilarity } from "../../nn/losses/similarity.js";
import type { LossPart } from "../../nn/losses/total.js";
import { Module } from "../../nn/module.js";
import { softmaxPool } from "../../nn/softmax-pool.js";
import { type BatchFeatures, type Composition, CompositionModel } from "../composition-model.js";
import { encoderFields } from "../encoder-config.js";
import type { ImageFeatures } from "../image-encoder.js";
import { refusedHeads } from "../refused.js";
import type { TextFeatures } from "../text-encoder.js";
import { blockFields, blockOptions } from "./block-fields.js";

export const mcrSchema = z.strictObject({
  ...encoderFields,
  ...blockFields,
  /** Choice. Layers of the fusion. */
  layers: z.int().min(1).max(12).default(2),
  /** Choice. Weight of the consistency of relative captions. */
  consistencyWeight: z.number().min(0).max(1000).default(0.5),
});

export type McrConfig = z.output<typeof mcrSchema>;

export function refusedMcr(config: Partial<McrConfig>): string[] {
  return [...refusedHeads(config)];
}

/**
 * v = sum over l of softmax_l(key(x_l) · guide(g) / sqrt(D)) · x_l: x [B, L, D], g [B, D] -> v [B, D].
 * A bias of `key` would cancel.
 */
class GuidedPool extends Module {
  readonly key: Linear;
  readonly guide: Linear;

  constructor(width: number, random: Random) {
    super();
    this.key = new Linear(width, width, random, { bias: false });
    this.guide = new Linear(width, width, random);
  }

  forward(sequence: Value, guidance: Value, mask?: Value): Value {
    const [batch = 0, length = 0] = sequence.shape;
    const guide = multiply(this.guide.forward(guidance), 1 / Math.sqrt(sequence.dim(2))); // [B, D]
    const scores = matmul(expandDims(guide, 1), transposeLast(this.key.forward(sequence))); // [B, 1, L]
    return softmaxPool(reshape(scores, [batch, length]), sequence, mask);
  }
}

/**
 * Multi-modal complementary fusion, cross-modal guided pooling and relative caption-aware consistency (ACM MM 2021,
 * 10.1145/3474085.3475659). The authors published no code and the paper's text could not be had: names and purposes of the
 * parts are theirs, every formula is a choice of this project.
 *
 *   X' = image(X, W),  W' = text(W, X)         two attention blocks, in each of `layers`; padding words masked
 *   q = imagePool(X', s) + textPool(W', x)     each pooled under the guidance of the other side before the fusion
 *   r = relative2(ReLU(relative1([t ; x])))    the step from reference to target
 *   L = L_bbc + consistencyWeight · (CE(M) + CE(Mᵀ)) / 2,   M_ij = scale · cos(s_i, r_j)
 *
 * X [B, N, D], W [B, T, D], x, s, t [B, D] -> q, r [B, D]. r is for training only.
 */
export class Mcr extends CompositionModel {
  readonly layers: readonly { readonly image: AttentionBlock; readonly text: AttentionBlock }[];
  readonly imagePool: GuidedPool;
  readonly textPool: GuidedPool;
  readonly relative1: Linear;
  readonly relative2: Linear;
  readonly #consistencyWeight: number;

  constructor(config: McrConfig, vocabularySize: number, random: Random) {
    super(config, vocabularySize, random);
    const { embedDim, layers } = config;
    const block = () => new AttentionBlock(embedDim, random, blockOptions(config));
    this.layers = Array.from({ length: layers }, () => ({ image: block(), text: block() }));
    this.imagePool = new GuidedPool(embedDim, random);
    this.textPool = new GuidedPool(embedDim, random);
    this.relative1 = new Linear(2 * embedDim, embedDim, random);
    this.relative2 = new Linear(embedDim, embedDim, random);
    this.#consistencyWeight = config.consistencyWeight;
  }

  compose(reference: ImageFeatures, text: TextFeatures, pass: ForwardPass): Composition {
    let { regions } = reference;
    let { words } = text;
    for (const layer of this.layers) {
      const changed = layer.image.forward(regions, pass, { memory: words, keyMask: text.mask });
      words = layer.text.forward(words, pass, { memory: regions });
      regions = changed;
    }
    const ofImage = this.imagePool.forward(regions, text.sentence);
    const ofText = this.textPool.forward(words, reference.embedding, text.mask);
    return { q: add(ofImage, ofText) };
  }

  /** r of a target's and a reference's embedding, each [B, D]. */
  relative(target: Value, reference: Value): Value {
    return this.relative2.forward(relu(this.relative1.forward(concat([target, reference], { axis: 1 }))));
  }

  override losses(batch: BatchFeatures, pass: ForwardPass): readonly LossPart[] {
    const { reference, text, targetEmbedding } = batch;
    const relative = this.relative(targetEmbedding.embedding, reference.embedding);
    const similarity = scaledSimilarity(text.sentence, relative, this.scale);
    const both = add(batchClassificationLoss(similarity), batchClassificationLoss(transposeLast(similarity)));
    return [
      ...super.losses(batch, pass),
      { name: "captions", weight: this.#consistencyWeight, value: multiply(both, 0.5) },
    ];
  }
}
