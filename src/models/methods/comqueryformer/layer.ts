/** A layer of ComqueryFormer's cross-modal transformer, of one side. */
import type { Value } from "../../../engine/graph/value.js";
import { gelu } from "../../../engine/ops/activations.js";
import { add } from "../../../engine/ops/arithmetic.js";
import type { Random } from "../../../engine/tensor/random.js";
import type { ForwardPass } from "../../../nn/forward-pass.js";
import { LayerNorm } from "../../../nn/layer-norm.js";
import { Linear } from "../../../nn/linear.js";
import { Module } from "../../../nn/module.js";
import { ProjectedAttention } from "../../../nn/projected-attention.js";

/** BERT's. */
const epsilon = 1e-12;

export interface LayerOptions {
  /** H */
  readonly width: number;
  readonly heads: number;
  readonly ffnWidth: number;
  /** Of attention weights, and behind attention and the feed-forward network. */
  readonly dropout: number;
}

/** Tokens of one side, and which of them are there: all where there is no mask. */
export interface Tokens {
  /** [B, L, H] */
  readonly tokens: Value;
  /** bool [B, L], true = may be attended to. */
  readonly mask?: Value | undefined;
}

/** LN(x + dropout(MHA(x, y, y))). x [B, L, H], y [B, M, H] -> [B, L, H]. */
class ResidualAttention extends ProjectedAttention {
  readonly norm: LayerNorm;
  readonly #dropout: number;

  constructor({ width, heads, dropout }: LayerOptions, random: Random) {
    super(width, random, { heads, dropout });
    this.norm = new LayerNorm(width, { epsilon });
    this.#dropout = dropout;
  }

  attend(x: Value, { tokens, mask }: Tokens, pass: ForwardPass): Value {
    const answer = this.forward({ query: x, key: tokens, value: tokens }, pass, { keyMask: mask });
    return this.norm.forward(add(x, pass.dropout(answer, this.#dropout)));
  }
}

/**
 * a = LN(x + MHA(x, x, x)),  b = LN(a + MHA(a, y, y)),  x' = LN(b + G₂ · gelu(G₁ · b)).
 * x [B, L, H], y [B, M, H] of the other side -> x' [B, L, H]; G₁ H -> F, G₂ F -> H.
 */
export class CrossModalLayer extends Module {
  readonly self: ResidualAttention;
  readonly cross: ResidualAttention;
  readonly ffn1: Linear;
  readonly ffn2: Linear;
  readonly norm: LayerNorm;
  readonly #dropout: number;

  constructor(options: LayerOptions, random: Random) {
    super();
    const { width, ffnWidth, dropout } = options;
    this.self = new ResidualAttention(options, random);
    this.cross = new ResidualAttention(options, random);
    this.ffn1 = new Linear(width, ffnWidth, random);
    this.ffn2 = new Linear(ffnWidth, width, random);
    this.norm = new LayerNorm(width, { epsilon });
    this.#dropout = dropout;
  }

  forward(own: Tokens, other: Tokens, pass: ForwardPass): Tokens {
    const a = this.self.attend(own.tokens, own, pass);
    const b = this.cross.attend(a, other, pass);
    const fed = this.ffn2.forward(gelu(this.ffn1.forward(b)));
    return { ...own, tokens: this.norm.forward(add(b, pass.dropout(fed, this.#dropout))) };
  }
}
