/** SAC, a reconstruction: where in a picture the text says to look, and how to change what is there. */
import { z } from "zod";
import type { Parameter, Value } from "../../engine/graph/value.js";
import { add, multiply, subtract } from "../../engine/ops/arithmetic.js";
import { relu, sigmoid } from "../../engine/ops/elementwise.js";
import { sum } from "../../engine/ops/reduce.js";
import { expandDims } from "../../engine/ops/shape.js";
import type { Random } from "../../engine/tensor/random.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { filled, parameter } from "../../nn/initial-values.js";
import { LayerNorm } from "../../nn/layer-norm.js";
import { Linear } from "../../nn/linear.js";
import { Module } from "../../nn/module.js";
import { MultiHeadAttention } from "../../nn/multi-head-attention.js";
import { type Composition, CompositionModel, type TargetEmbedding } from "../composition-model.js";
import { encoderFields } from "../encoder-config.js";
import type { ImageFeatures } from "../image-encoder.js";
import { refusedHeads } from "../refused.js";
import type { TextFeatures } from "../text-encoder.js";
import { embeddingOf, lowerLevels, mapsOf } from "./three-levels.js";

export const sacSchema = z.strictObject({
  ...encoderFields,
  /** Choice. Attention heads; embedDim must be a multiple. */
  heads: z.int().min(1).max(64).default(8),
  /** Choice. Width F of the feed-forward networks; null is 2 · embedDim. */
  ffnWidth: z.int().min(1).max(65536).nullable().default(null),
});

export type SacConfig = z.output<typeof sacSchema>;

export const refusedSac = (config: Partial<SacConfig>): readonly string[] => refusedHeads(config);

/** m + MHA(LN(m)) = h, then h + ffn2(ReLU(ffn1(LN(h)))). m [B, N, D] -> [B, N, D]. */
class PreNormBlock extends Module {
  readonly norm1: LayerNorm;
  readonly attention: MultiHeadAttention;
  readonly norm2: LayerNorm;
  readonly ffn1: Linear;
  readonly ffn2: Linear;

  constructor({ embedDim, heads, ffnWidth }: SacConfig, random: Random) {
    super();
    const inner = ffnWidth ?? 2 * embedDim;
    this.norm1 = new LayerNorm(embedDim);
    this.attention = new MultiHeadAttention(embedDim, heads, random);
    this.norm2 = new LayerNorm(embedDim);
    this.ffn1 = new Linear(embedDim, inner, random);
    this.ffn2 = new Linear(inner, embedDim, random);
  }

  forward(m: Value): Value {
    const normed = this.norm1.forward(m);
    const h = add(m, this.attention.forward({ query: normed, key: normed, value: normed }).y);
    return add(h, this.ffn2.forward(relu(this.ffn1.forward(this.norm2.forward(h)))));
  }
}

/**
 * One level of SAC:
 *
 *   a_n = σ((W_k x_n) · (W_r s) / sqrt(D) + b),   A = a * x              where to see
 *   M = block((1 + W_g s + b_g) * A + W_b s + b_b)                       how to change; attention and a feed-forward network
 *   y = (1 - a) * x + a * M                                              what the text does not speak of stays
 *
 * x [B, N, D], s [B, D] -> y [B, N, D]; a [B, N, 1]. W_g, b_g, W_b, b_b and b start at 0.
 */
export class SacLevel extends Module {
  readonly see_key: Linear;
  readonly see_text: Linear;
  readonly see_bias: Parameter;
  readonly scale: Linear;
  readonly shift: Linear;
  readonly block: PreNormBlock;

  constructor(config: SacConfig, random: Random) {
    super();
    const width = config.embedDim;
    this.see_key = new Linear(width, width, random, { bias: false });
    this.see_text = new Linear(width, width, random, { bias: false });
    this.see_bias = parameter([], filled(0));
    this.scale = zeroLinear(width, random);
    this.shift = zeroLinear(width, random);
    this.block = new PreNormBlock(config, random);
  }

  forward(x: Value, sentence: Value): Value {
    const asked = multiply(this.see_text.forward(sentence), 1 / Math.sqrt(x.dim(2))); // [B, D]
    const products = multiply(this.see_key.forward(x), expandDims(asked, 1));
    const a = sigmoid(add(sum(products, { axes: [2], keepDims: true }), this.see_bias)); // [B, N, 1]
    const scale = expandDims(add(this.scale.forward(sentence), 1), 1); // [B, 1, D]
    const shift = expandDims(this.shift.forward(sentence), 1);
    const m = this.block.forward(add(multiply(scale, multiply(a, x)), shift));
    return add(multiply(subtract(1, a), x), multiply(a, m));
  }
}

function zeroLinear(width: number, random: Random): Linear {
  const layer = new Linear(width, width, random, { initial: filled(0) });
  layer.bias?.data.fill(0);
  return layer;
}

/**
 * SAC, semantic attention composition (Jandial et al., WACV 2022, arXiv 2009.01485), a reconstruction: its two steps, "where to
 * see" and "how to change", on three levels of the picture are the paper's; no code is public, and every formula is this
 * project's choice.
 *
 *   q = [unit(mean y_2) ; unit(mean y_3) ; unit(mean y_4)],   t the same of the target's own maps
 *
 * y_l [B, N_l, D], of `SacLevel` -> q, t [B, 3D]. The levels are layer2 and layer3, averaged over 2x2 and projected to D, and X.
 */
export class Sac extends CompositionModel {
  readonly levels: readonly SacLevel[];

  constructor(config: SacConfig, vocabularySize: number, random: Random) {
    super(config, vocabularySize, random, { levels: lowerLevels });
    this.levels = Array.from({ length: lowerLevels.length + 1 }, () => new SacLevel(config, random));
  }

  compose(reference: ImageFeatures, { sentence }: TextFeatures, _pass: ForwardPass): Composition {
    const maps = mapsOf(reference).map((map, i) => (this.levels[i] as SacLevel).forward(map, sentence));
    const { embedding, parts } = embeddingOf(maps);
    return { q: embedding, parts };
  }

  override embedTarget(features: ImageFeatures, _pass: ForwardPass): TargetEmbedding {
    return embeddingOf(mapsOf(features));
  }
}
