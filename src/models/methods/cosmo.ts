/** CoSMo, a reconstruction: the text changes a picture's content and its style apart from each other. */
import { z } from "zod";
import type { Value } from "../../engine/graph/value.js";
import { add, divide, multiply, subtract } from "../../engine/ops/arithmetic.js";
import { sqrt, square } from "../../engine/ops/elementwise.js";
import { matmul } from "../../engine/ops/matmul.js";
import { mean } from "../../engine/ops/reduce.js";
import { expandDims, reshape, slice, transpose, transposeLast } from "../../engine/ops/shape.js";
import { softmax } from "../../engine/ops/softmax.js";
import type { Random } from "../../engine/tensor/random.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { Linear } from "../../nn/linear.js";
import { Module } from "../../nn/module.js";
import { type Composition, CompositionModel } from "../composition-model.js";
import { encoderFields } from "../encoder-config.js";
import type { ImageFeatures } from "../image-encoder.js";
import { type MapSource, refusedHeads, refusedSingleRegion } from "../refused.js";
import type { TextFeatures } from "../text-encoder.js";

export const cosmoSchema = z.strictObject({
  ...encoderFields,
  /** Choice. H, heads of the content modulator; embedDim must be a multiple. */
  heads: z.int().min(1).max(64).default(8),
});

export type CosmoConfig = z.output<typeof cosmoSchema>;

/** Over one region a picture has no style apart from its content: c would be 0. */
const singleRegion = "one region less its own mean is 0";

export function refusedCosmo(config: Partial<CosmoConfig & MapSource>): string[] {
  return [...refusedHeads(config), ...refusedSingleRegion(config, singleRegion)];
}

/** Added to the variance. */
const epsilon = 1e-5;

/** [B, N, D] -> [B, 1, D] */
const overRegions = { axes: [1], keepDims: true };

/**
 * The composition of CoSMo, of any width D, over any sentence vector:
 *
 *   μ, σ = mean and sqrt(variance + 1e-5) of X over its regions,   c = (X - μ) / σ
 *   f = W_f [c ; s] + b_f,   Q = W_q f,  K = W_k f,  U = W_u f,    V = W_v c + b_v
 *   A_ij = softmax_j(Q_i · K_j / sqrt(d)) + softmax_j(U_j)         for each head, Q and K less their means
 *   y = c + W_o (A V) + b_o                                        content modulator
 *   [p1 ; p2] = W_p s + b_p,   z = σ * (1 + p1) * y + μ + p2       style modulator
 *
 * X [B, N, D], s [B, E] -> y, z [B, N, D]; U [B, N, H], H heads of d = D / H; μ, σ, p1, p2 [B, D]. Q and K are less their
 * means because f is, which changes nothing in softmax_j(U_j); so b_f has no effect.
 */
export class CosmoComposer extends Module {
  readonly fuse: Linear;
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly unary: Linear;
  readonly out: Linear;
  readonly style: Linear;
  readonly #heads: number;

  constructor(width: number, sentenceWidth: number, random: Random, { heads }: { readonly heads: number }) {
    super();
    // A bias of query, key or unary would cancel.
    const bias = false;
    this.fuse = new Linear(width + sentenceWidth, width, random);
    this.query = new Linear(width, width, random, { bias });
    this.key = new Linear(width, width, random, { bias });
    this.value = new Linear(width, width, random);
    this.unary = new Linear(width, heads, random, { bias });
    this.out = new Linear(width, width, random);
    this.style = new Linear(sentenceWidth, 2 * width, random);
    this.#heads = heads;
  }

  /** @returns z, and y as `content`. */
  forward(regions: Value, sentence: Value): { readonly map: Value; readonly content: Value } {
    const mu = mean(regions, overRegions); // [B, 1, D]
    const centred = subtract(regions, mu);
    const deviation = sqrt(add(mean(square(centred), overRegions), epsilon)); // [B, 1, D]
    const c = divide(centred, deviation);
    const content = add(c, this.#attended(c, sentence));
    const style = expandDims(this.style.forward(sentence), 1); // [B, 1, 2D]
    const width = c.dim(2);
    const p1 = slice(style, { axis: 2, start: 0, end: width });
    const p2 = slice(style, { axis: 2, start: width, end: 2 * width });
    const map = add(multiply(multiply(deviation, add(p1, 1)), content), add(mu, p2));
    return { map, content };
  }

  /** W_o (A V) + b_o: [B, N, D] */
  #attended(c: Value, sentence: Value): Value {
    const fused = this.fuse.forwardPair(c, sentence); // [B, N, D]
    const f = subtract(fused, mean(fused, overRegions));
    const q = this.#cut(this.query.forward(f)); // [B, H, N, d]
    const k = this.#cut(this.key.forward(f));
    const v = this.#cut(this.value.forward(c));
    const u = expandDims(transpose(this.unary.forward(f), [0, 2, 1]), 2); // [B, H, 1, N]
    const pairs = matmul(multiply(q, 1 / Math.sqrt(q.dim(-1))), transposeLast(k)); // [B, H, N, N]
    const weights = add(softmax(pairs, { axis: -1 }), softmax(u, { axis: -1 }));
    const joined = reshape(transpose(matmul(weights, v), [0, 2, 1, 3]), c.shape);
    return this.out.forward(joined);
  }

  /** [B, N, D] -> [B, H, N, d] */
  #cut(x: Value): Value {
    const [batch = 0, length = 0] = x.shape;
    return transpose(reshape(x, [batch, length, this.#heads, x.dim(2) / this.#heads]), [0, 2, 1, 3]);
  }
}

/**
 * CoSMo (Lee, Kim, Han, CVPR 2021), a reconstruction of the published idea: the reference's style is normalised away, a
 * disentangled non-local block (Yin et al., ECCV 2020) changes the content, and a style that the text has changed is put back.
 * Every detail is this project's choice; the authors' code was not used, as its licence forbids restating it.
 *
 *   q = mean over regions of z, z the map of `CosmoComposer`
 *
 * X [B, N, D], s [B, D] -> q [B, D].
 */
export class Cosmo extends CompositionModel {
  readonly composer: CosmoComposer;

  constructor(config: CosmoConfig, vocabularySize: number, random: Random) {
    super(config, vocabularySize, random);
    this.composer = new CosmoComposer(config.embedDim, config.embedDim, random, config);
  }

  compose({ regions }: ImageFeatures, { sentence }: TextFeatures, _pass: ForwardPass): Composition {
    return { q: mean(this.composer.forward(regions, sentence).map, { axes: [1] }) };
  }
}
