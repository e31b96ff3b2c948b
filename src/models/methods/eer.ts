/** EER, a reconstruction: what the text makes irrelevant is erased from the reference, what it asks for is added. */
import { z } from "zod";
import type { Parameter, Value } from "../../engine/graph/value.js";
import { add, multiply } from "../../engine/ops/arithmetic.js";
import { sigmoid } from "../../engine/ops/elementwise.js";
import { matmul } from "../../engine/ops/matmul.js";
import { mean, sum } from "../../engine/ops/reduce.js";
import { concat, expandDims, reshape, transposeLast } from "../../engine/ops/shape.js";
import { softmax } from "../../engine/ops/softmax.js";
import type { Random } from "../../engine/tensor/random.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { Linear } from "../../nn/linear.js";
import { batchClassificationLoss } from "../../nn/losses/batch-classification.js";
import { scaledSimilarity } from "../../nn/losses/similarity.js";
import type { LossPart } from "../../nn/losses/total.js";
import { softmaxPool } from "../../nn/softmax-pool.js";
import { type BatchFeatures, type Composition, CompositionModel } from "../composition-model.js";
import { encoderFields } from "../encoder-config.js";
import type { ImageFeatures } from "../image-encoder.js";
import type { Parts } from "../parts.js";
import type { TextFeatures } from "../text-encoder.js";

export const eerSchema = z.strictObject({
  ...encoderFields,
  /** Choice. K, gates that the text mixes. */
  semantics: z.int().min(1).max(64).default(4),
  /** Choice. Bias of the gates at the start: at 2 little is erased. */
  keepBias: z.number().min(-100).max(100).default(2),
  /** Choice. Weight of the alignment of what is kept and what is added with the target. */
  alignmentWeight: z.number().min(0).max(1000).default(0.5),
});

export type EerConfig = z.output<typeof eerSchema>;

/**
 * Erasing, enhancing and replenishing (TIP 2022, 10.1109/TIP.2022.3204213). The authors published no code and the paper's
 * text could not be had: names and purposes of the parts are theirs, every formula is a choice of this project.
 *
 *   π = softmax(mix(s)),   g_n = Σ_k π_k · σ(suppressImage_k(X_n) + suppressText_k(s)),   E_n = g_n * X_n
 *   c_n = Σ_t softmax_t(query(E_n) · key(W_t) / sqrt(D)) · W_t              over the words that are none of padding
 *   r_n = σ(gate([c_n ; E_n])) * value(c_n),   q = e + r                   e, r = means of E_n, r_n
 *   L = L_bbc + alignmentWeight · (CE(scale · cos(e_i, t_j)) + CE(scale · cos(r_i, t_j))) / 2
 *
 * X [B, N, D], W [B, T, D], s [B, D] -> q, e, r [B, D]; g [B, N, D]. Gate k has the rows kD .. (k+1)D - 1 of its layers.
 * Biases of `suppressText` and `key` would add to others or cancel.
 */
export class Eer extends CompositionModel {
  readonly mix: Linear;
  readonly suppressImage: Linear;
  readonly suppressText: Linear;
  readonly query: Linear;
  readonly key: Linear;
  readonly gate: Linear;
  readonly value: Linear;
  readonly #semantics: number;
  readonly #alignmentWeight: number;

  constructor(config: EerConfig, vocabularySize: number, random: Random) {
    super(config, vocabularySize, random);
    const { embedDim: width, semantics } = config;
    this.mix = new Linear(width, semantics, random);
    this.suppressImage = new Linear(width, semantics * width, random);
    (this.suppressImage.bias as Parameter).data.fill(config.keepBias);
    this.suppressText = new Linear(width, semantics * width, random, { bias: false });
    this.query = new Linear(width, width, random);
    this.key = new Linear(width, width, random, { bias: false });
    this.gate = new Linear(2 * width, width, random);
    this.value = new Linear(width, width, random);
    this.#semantics = semantics;
    this.#alignmentWeight = config.alignmentWeight;
  }

  compose(reference: ImageFeatures, text: TextFeatures): Composition {
    const { q, erased, added } = this.steps(reference.regions, text);
    return { q, parts: { erased, added } };
  }

  /** q, e as `erased`, r as `added`, and g as `keep`. */
  steps(
    regions: Value,
    { words, sentence, mask }: TextFeatures,
  ): Parts & Record<"q" | "erased" | "added" | "keep", Value> {
    const keep = this.#keep(regions, sentence); // g
    const kept = multiply(keep, regions); // E
    const query = multiply(this.query.forward(kept), 1 / Math.sqrt(kept.dim(2)));
    const scores = matmul(query, transposeLast(this.key.forward(words))); // [B, N, T]
    const chosen = softmaxPool(scores, words, mask); // c
    const gate = sigmoid(this.gate.forward(concat([chosen, kept], { axis: 2 })));
    const replenished = multiply(gate, this.value.forward(chosen)); // r_n
    const [erased, added] = [mean(kept, { axes: [1] }), mean(replenished, { axes: [1] })];
    return { q: add(erased, added), erased, added, keep };
  }

  #keep(regions: Value, sentence: Value): Value {
    const [batch = 0, count = 0] = regions.shape;
    const width = regions.dim(2);
    const ofText = expandDims(this.suppressText.forward(sentence), 1); // [B, 1, K·D]
    const gates = sigmoid(add(this.suppressImage.forward(regions), ofText)); // [B, N, K·D]
    const apart = reshape(gates, [batch, count, this.#semantics, width]);
    const shares = softmax(this.mix.forward(sentence), { axis: 1 }); // π [B, K]
    return sum(multiply(apart, reshape(shares, [batch, 1, this.#semantics, 1])), { axes: [2] });
  }

  override losses(batch: BatchFeatures, pass: ForwardPass): readonly LossPart[] {
    const { composition, targetEmbedding } = batch;
    const { erased, added } = composition.parts as Parts & Record<"erased" | "added", Value>;
    const pointing = [erased, added].map((part) =>
      batchClassificationLoss(scaledSimilarity(part, targetEmbedding.embedding, this.scale)),
    ) as [Value, Value];
    const value = multiply(add(...pointing), 0.5);
    return [...super.losses(batch, pass), { name: "alignment", weight: this.#alignmentWeight, value }];
  }
}
