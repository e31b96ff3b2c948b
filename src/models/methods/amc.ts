/** AMC: three experts whose answers a router weighs, layer after layer. */
import { z } from "zod";
import type { Value } from "../../engine/graph/value.js";
import { add, multiply, subtract } from "../../engine/ops/arithmetic.js";
import { cast, constant, full } from "../../engine/ops/constant.js";
import { relu, sigmoid, square } from "../../engine/ops/elementwise.js";
import { linear } from "../../engine/ops/linear.js";
import { l2Normalise, layerNorm } from "../../engine/ops/normalisation.js";
import { mean } from "../../engine/ops/reduce.js";
import { concat, expandDims, slice } from "../../engine/ops/shape.js";
import type { Random } from "../../engine/tensor/random.js";
import { float32 } from "../../engine/tensor/tensor.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { LayerNorm } from "../../nn/layer-norm.js";
import { Linear } from "../../nn/linear.js";
import { batchClassificationLoss } from "../../nn/losses/batch-classification.js";
import { scaledSimilarity } from "../../nn/losses/similarity.js";
import type { LossPart } from "../../nn/losses/total.js";
import { Module } from "../../nn/module.js";
import { ProjectedAttention } from "../../nn/projected-attention.js";
import { type BatchFeatures, type Composition, CompositionModel } from "../composition-model.js";
import { encoderFields } from "../encoder-config.js";
import type { ImageFeatures } from "../image-encoder.js";
import type { TextFeatures } from "../text-encoder.js";

export const amcSchema = z.strictObject({
  ...encoderFields,
  /** L, layers of experts. */
  layers: z.int().min(1).max(16).default(2),
  /** Attention heads; embedDim must be a multiple. */
  heads: z.int().min(1).max(64).default(8),
  /** Width of the routers' hidden layer. */
  routerWidth: z.int().min(1).max(65536).default(512),
  /** Width of the attention expert's feed-forward network; null is embedDim / 2, rounded up. */
  ffnWidth: z.int().min(1).max(65536).nullable().default(null),
});

/** A complete configuration. */
export type AmcConfig = z.output<typeof amcSchema>;

/** Factor of the cosine in the softmax over the batch, which the authors fix. */
const fixedScale = 10;

/** What the authors have between experts: a layer norm over D without parameters. */
function plainNorm(x: Value): Value {
  const of = (value: number) => full([x.dim(-1)], value, x.dtype);
  return layerNorm(x, { weight: of(1), bias: of(0) });
}

/** g = σ(U₂ · ReLU(LN(U₁ · [mean of X ; s]))). X [B, N, D], s [B, D] -> g [B, 3]; the gates do not sum to 1. */
class AmcRouter extends Module {
  readonly fc1: Linear;
  readonly norm: LayerNorm;
  readonly fc2: Linear;

  constructor({ embedDim, routerWidth }: AmcConfig, random: Random) {
    super();
    this.fc1 = new Linear(2 * embedDim, routerWidth, random, { bias: false });
    this.norm = new LayerNorm(routerWidth);
    this.fc2 = new Linear(routerWidth, 3, random, { bias: false });
  }

  forward(x: Value, s: Value): Value {
    const both = concat([mean(x, { axes: [1] }), s], { axis: 1 }); // [B, 2D]
    return sigmoid(this.fc2.forward(relu(this.norm.forward(this.fc1.forward(both)))));
  }
}

/**
 * M = LN₁(W · [X ; s]),  A = MHA(M, M, M) without an output layer,  E = ln(A + F₂ · ReLU(F₁ · LN₂(A))).
 * X [B, N, D], s [B, D] -> [B, N, D]. There is no way past the attention. Query, key and value start as copies of one layer.
 */
class AmcAttention extends ProjectedAttention {
  readonly linear: Linear;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly ffn1: Linear;
  readonly ffn2: Linear;

  constructor({ embedDim, heads, ffnWidth }: AmcConfig, random: Random) {
    super(embedDim, random, { heads, hasOut: false });
    for (const copy of [this.key, this.value]) copy.loadStateDict(this.query.stateDict());
    const hidden = ffnWidth ?? Math.ceil(embedDim / 2);
    this.linear = new Linear(2 * embedDim, embedDim, random);
    this.norm1 = new LayerNorm(embedDim);
    this.norm2 = new LayerNorm(embedDim);
    this.ffn1 = new Linear(embedDim, hidden, random);
    this.ffn2 = new Linear(hidden, embedDim, random);
  }

  /** The expert's answer. */
  expert(x: Value, s: Value, pass: ForwardPass): Value {
    const m = this.norm1.forward(this.linear.forwardPair(x, s));
    const a = this.forward({ query: m, key: m, value: m }, pass);
    return plainNorm(add(a, this.ffn2.forward(relu(this.ffn1.forward(this.norm2.forward(a))))));
  }
}

/** E = ln(X * (Γ · s + γ) + (Β · s + β)). X [B, N, D], s [B, D] -> [B, N, D]. */
class AmcStyle extends Module {
  readonly gamma: Linear;
  readonly beta: Linear;

  constructor({ embedDim }: AmcConfig, random: Random) {
    super();
    this.gamma = new Linear(embedDim, embedDim, random);
    this.beta = new Linear(embedDim, embedDim, random);
  }

  forward(x: Value, s: Value): Value {
    const ofText = (layer: Linear) => expandDims(layer.forward(s), 1); // [B, 1, D]
    return plainNorm(add(multiply(x, ofText(this.gamma)), ofText(this.beta)));
  }
}

/** One layer: Y = g_1 · ln(X) + g_2 · attention + g_3 · style. */
class AmcLayer extends Module {
  readonly router: AmcRouter;
  readonly attention: AmcAttention;
  readonly style: AmcStyle;

  constructor(config: AmcConfig, random: Random) {
    super();
    this.router = new AmcRouter(config, random);
    this.attention = new AmcAttention(config, random);
    this.style = new AmcStyle(config, random);
  }

  /** X [B, N, D], s [B, D] -> Y [B, N, D], gates [B, 3]. */
  forward(x: Value, s: Value, pass: ForwardPass): { readonly y: Value; readonly gates: Value } {
    const gates = this.router.forward(x, s);
    const experts = [plainNorm(x), this.attention.expert(x, s, pass), this.style.forward(x, s)];
    const weighted = experts.map((expert, i) =>
      multiply(expert, expandDims(slice(gates, { axis: 1, start: i, end: i + 1 }), 2)),
    );
    return { y: weighted.reduce((total, part) => add(total, part)), gates };
  }
}

/** What the layers give, first to last. */
export interface AmcLayers {
  /** Each [B, N, D]. */
  readonly maps: readonly Value[];
  /** Gates of residual, attention, style, each [B, 3]. */
  readonly gates: readonly Value[];
}

/**
 * AMC, adaptive multi-expert collaborative network (Zhu et al., TOMM 2023; authors' code KevinLight831/AMC at 313511a):
 *
 *   X_(k+1) = g_1 · ln(X_k) + g_2 · attention(X_k, s) + g_3 · style(X_k, s),   X_0 = X, g from a router
 *   q_k = mean over regions of X_(k+1),   q = the last
 *   L = CE(10 · cos(q_i, t_j)) + mean_ij (r_i · r_j - t_i · t_j)²,   r = unit [q_0 ; ... ; q_(L-1)], t unit
 *
 * X [B, N, D], s [B, D], t [B, D] -> q [B, D]. ln is a layer norm without parameters. The learned scale is not used.
 */
export class Amc extends CompositionModel {
  readonly layers: readonly AmcLayer[];

  constructor(config: AmcConfig, vocabularySize: number, random: Random) {
    super(config, vocabularySize, random);
    this.layers = Array.from({ length: config.layers }, () => new AmcLayer(config, random));
  }

  compose({ regions }: ImageFeatures, { sentence }: TextFeatures, pass: ForwardPass): Composition {
    const queries = this.fuse(regions, sentence, pass).maps.map((map) => mean(map, { axes: [1] }));
    const parts = Object.fromEntries(queries.map((query, layer) => [`layer${layer}`, query]));
    return { q: queries.at(-1) as Value, parts };
  }

  /** All layers. */
  fuse(regions: Value, sentence: Value, pass: ForwardPass): AmcLayers {
    const maps: Value[] = [];
    const gates: Value[] = [];
    for (const layer of this.layers) {
      const answer = layer.forward(maps.at(-1) ?? regions, sentence, pass);
      maps.push(answer.y);
      gates.push(answer.gates);
    }
    return { maps, gates };
  }

  override losses({ composition, targetEmbedding }: BatchFeatures): readonly LossPart[] {
    const queries = Object.values(composition.parts ?? {});
    const { classification, gram } = amcLosses(queries, targetEmbedding.embedding, fixedScale);
    return [
      { name: "classification", weight: 1, value: classification },
      { name: "gram", weight: 1, value: gram },
    ];
  }
}

/**
 * CE(scale · cos(q_i, t_j)) of the last query, and the mean squared difference between the cosines of all queries' joined
 * vectors with each other and those of the targets. queries each [B, D], t [B, D] -> [] and []. In float64, as `scaledSimilarity`.
 */
export function amcLosses(
  queries: readonly Value[],
  t: Value,
  scale: number,
): { readonly classification: Value; readonly gram: Value } {
  const similarity = scaledSimilarity(queries.at(-1) as Value, t, constant(float32([], [scale])));
  const cosines = (x: Value) => {
    const unit = l2Normalise(cast(x, "float64"), { axis: 1 });
    return linear(unit, unit); // [B, B]
  };
  const difference = subtract(cosines(concat(queries, { axis: 1 })), cosines(t));
  return {
    classification: batchClassificationLoss(similarity),
    gram: cast(mean(square(difference)), "float32"),
  };
}
