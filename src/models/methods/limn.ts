/** LIMN, a reconstruction: latent factors of query and target, and a token that both are matched by. */
import { z } from "zod";
import type { Parameter, Value } from "../../engine/graph/value.js";
import { add, multiply, subtract } from "../../engine/ops/arithmetic.js";
import { constant, full } from "../../engine/ops/constant.js";
import { square } from "../../engine/ops/elementwise.js";
import { matmul } from "../../engine/ops/matmul.js";
import { l2Normalise } from "../../engine/ops/normalisation.js";
import { sum } from "../../engine/ops/reduce.js";
import { repeatForBatch } from "../../engine/ops/repeat.js";
import { concat, expandDims, reshape, slice, transposeLast } from "../../engine/ops/shape.js";
import type { Random } from "../../engine/tensor/random.js";
import { float32 } from "../../engine/tensor/tensor.js";
import { AttentionBlock, firstAfterBlocks } from "../../nn/attention-block.js";
import { Embedding } from "../../nn/embedding.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { normal, parameter } from "../../nn/initial-values.js";
import { batchClassificationLoss } from "../../nn/losses/batch-classification.js";
import { scaledSimilarity } from "../../nn/losses/similarity.js";
import type { LossPart } from "../../nn/losses/total.js";
import {
  type BatchFeatures,
  type Composition,
  CompositionModel,
  type TargetEmbedding,
} from "../composition-model.js";
import { encoderFields } from "../encoder-config.js";
import type { ImageFeatures } from "../image-encoder.js";
import { refusedHeads } from "../refused.js";
import type { TextFeatures } from "../text-encoder.js";
import { blockFields, blockOptions } from "./block-fields.js";

export const limnSchema = z.strictObject({
  ...encoderFields,
  ...blockFields,
  /** Choice. K, latent factors. */
  factors: z.int().min(1).max(64).default(8),
  /** Choice. Layers that gather the factors. */
  layers: z.int().min(1).max(12).default(2),
  /** Choice. Layers that gather the matching token from the factors. */
  matchLayers: z.int().min(1).max(12).default(1),
  /** Choice. Weight of the classification by factors. */
  factorWeight: z.number().min(0).max(1000).default(0.5),
  /** Choice. Weight of the factors' orthogonality. */
  orthogonalWeight: z.number().min(0).max(1000).default(0.1),
});

export type LimnConfig = z.output<typeof limnSchema>;

export function refusedLimn(config: Partial<LimnConfig>): string[] {
  return [...refusedHeads(config)];
}

/** Deviation of the learned tokens at the start. */
const tokenDeviation = 0.02;

/** Of queries or targets: matching token [B, D], factors [B, K, D]. */
export interface LatentFactors {
  readonly match: Value;
  readonly factors: Value;
}

/**
 * LIMN (Wen et al., TPAMI 2024, arXiv 2305.09979) after its abstract; its code was not read, and every formula is a choice of
 * this project. Its pseudo triplets (LIMN+) need a captioner and are left out.
 *
 *   query  φ = first K of `aggregate` on [f_1..f_K ; x + τ_0 ; X + τ_0 ; s + τ_1 ; W + τ_1]    padding words masked
 *   target φ = first K of `aggregate` on [f_1..f_K ; t + τ_0 ; Y + τ_0]
 *   μ = first of `match_layers` on [match ; φ_1..φ_K],   q, t = μ of query, target
 *   L = CE(scale · cos(q_i, t_j)) + factorWeight · mean_k CE(scale · cos(φ_k of query, target)) + orthogonalWeight · Σ |Φ Φᵀ - I|²
 *
 * X, Y [B, N, D], W [B, T, D], x, t, s [B, D], f [K, D], τ [2, D] -> φ [B, K, D], μ [B, D]; Φ the unit factors of a query or
 * target, the mean over the batch of queries and that of targets summed. Blocks are shared by both sides.
 */
export class Limn extends CompositionModel {
  readonly factors: Parameter;
  readonly match: Parameter;
  readonly token_type: Embedding;
  readonly aggregate: readonly AttentionBlock[];
  readonly match_layers: readonly AttentionBlock[];
  readonly #weights: Pick<LimnConfig, "factorWeight" | "orthogonalWeight">;

  constructor(config: LimnConfig, vocabularySize: number, random: Random) {
    super(config, vocabularySize, random);
    const { embedDim: width, factors, layers, matchLayers } = config;
    const blocks = (length: number) =>
      Array.from(
        { length },
        () => new AttentionBlock(width, random, { ...blockOptions(config), projections: "separate" }),
      );
    this.factors = parameter([factors, width], normal(random, tokenDeviation));
    this.match = parameter([width], normal(random, tokenDeviation));
    this.token_type = new Embedding(2, width, random);
    this.aggregate = blocks(layers);
    this.match_layers = blocks(matchLayers);
    this.#weights = config;
  }

  compose(reference: ImageFeatures, text: TextFeatures, pass: ForwardPass): Composition {
    const ofText = [expandDims(text.sentence, 1), text.words].map((tokens) => add(tokens, this.#type(1)));
    const tokens = [...this.#imageTokens(reference), ...ofText];
    const before = repeatForBatch(
      full([this.factors.dim(0) + 2 + reference.regions.dim(1)], 1, "bool"),
      text.mask,
    );
    const keyMask = concat([before, text.mask], { axis: 1 });
    const { match, factors } = this.#gather(tokens, pass, keyMask);
    return { q: match, parts: { factors } };
  }

  override embedTarget(target: ImageFeatures, pass: ForwardPass): TargetEmbedding {
    const { match, factors } = this.#gather(this.#imageTokens(target), pass);
    return { embedding: match, parts: { factors } };
  }

  override losses({ composition, targetEmbedding }: BatchFeatures): readonly LossPart[] {
    const { factorWeight, orthogonalWeight } = this.#weights;
    const query = { match: composition.q, factors: composition.parts?.factors as Value };
    const target = { match: targetEmbedding.embedding, factors: targetEmbedding.parts?.factors as Value };
    const { match, factor, orthogonal } = limnLosses({ query, target, scale: this.scale });
    return [
      { name: "classification", weight: 1, value: match },
      { name: "factors", weight: factorWeight, value: factor },
      { name: "orthogonality", weight: orthogonalWeight, value: orthogonal },
    ];
  }

  /** τ_i [D] */
  #type(i: 0 | 1): Value {
    return reshape(slice(this.token_type.weight, { axis: 0, start: i, end: i + 1 }), this.match.shape);
  }

  #imageTokens({ embedding, regions }: ImageFeatures): Value[] {
    return [expandDims(embedding, 1), regions].map((tokens) => add(tokens, this.#type(0)));
  }

  #gather(tokens: readonly Value[], pass: ForwardPass, keyMask?: Value): LatentFactors {
    const [first] = tokens as [Value];
    const sequence = concat([repeatForBatch(this.factors, first), ...tokens], { axis: 1 });
    const kept = this.factors.dim(0);
    const factors = firstAfterBlocks(this.aggregate, sequence, { pass, kept, keyMask });
    const matched = concat([repeatForBatch(expandDims(this.match, 0), factors), factors], { axis: 1 });
    const [batch = 0] = factors.shape;
    const match = firstAfterBlocks(this.match_layers, matched, { pass, kept: 1 });
    return { match: reshape(match, [batch, factors.dim(2)]), factors };
  }
}

/** The three parts of LIMN's loss, each []. */
export function limnLosses({
  query,
  target,
  scale,
}: {
  readonly query: LatentFactors;
  readonly target: LatentFactors;
  readonly scale: Value;
}): { readonly match: Value; readonly factor: Value; readonly orthogonal: Value } {
  const classification = (q: Value, t: Value) => batchClassificationLoss(scaledSimilarity(q, t, scale));
  const [batch, count, width] = [query.factors.dim(0), query.factors.dim(1), query.factors.dim(2)];
  const factorOf = (factors: Value, k: number) =>
    reshape(slice(factors, { axis: 1, start: k, end: k + 1 }), [batch, width]);
  const byFactor = Array.from({ length: count }, (_, k) =>
    classification(factorOf(query.factors, k), factorOf(target.factors, k)),
  );
  return {
    match: classification(query.match, target.match),
    factor: multiply(
      byFactor.reduce((total, loss) => add(total, loss)),
      1 / count,
    ),
    orthogonal: add(overlap(query.factors), overlap(target.factors)),
  };
}

/** mean_i |Φ_i Φ_iᵀ - I|²_F of the unit factors Φ_i: factors [B, K, D] -> []. */
function overlap(factors: Value): Value {
  const [batch, count] = [factors.dim(0), factors.dim(1)];
  const unit = l2Normalise(factors, { axis: 2 });
  const identity = new Float32Array(count * count).map((_, i) => (i % (count + 1) === 0 ? 1 : 0));
  const products = matmul(unit, transposeLast(unit)); // [B, K, K]
  return multiply(sum(square(subtract(products, constant(float32([count, count], identity))))), 1 / batch);
}
