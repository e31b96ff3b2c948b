/** FashionVLP, a reconstruction: words, regions and parts of the garment as one sequence; a gallery embedding without it. */
import { z } from "zod";
import type { Parameter, Value } from "../../engine/graph/value.js";
import { add, multiply } from "../../engine/ops/arithmetic.js";
import { full } from "../../engine/ops/constant.js";
import { tanh } from "../../engine/ops/elementwise.js";
import { linear } from "../../engine/ops/linear.js";
import { repeatForBatch } from "../../engine/ops/repeat.js";
import { concat, expandDims, reshape, transposeLast } from "../../engine/ops/shape.js";
import type { Random } from "../../engine/tensor/random.js";
import { AttentionBlock, firstAfterBlocks } from "../../nn/attention-block.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { normal, parameter } from "../../nn/initial-values.js";
import { LayerNorm } from "../../nn/layer-norm.js";
import { Linear } from "../../nn/linear.js";
import { softmaxPool } from "../../nn/softmax-pool.js";
import { type Composition, CompositionModel, type TargetEmbedding } from "../composition-model.js";
import { encoderFields } from "../encoder-config.js";
import type { ImageFeatures } from "../image-encoder.js";
import { refusedHeads } from "../refused.js";
import type { TextFeatures } from "../text-encoder.js";
import { blockFields, blockOptions } from "./block-fields.js";

export const fashionVlpSchema = z.strictObject({
  ...encoderFields,
  ...blockFields,
  /** Choice. Layers of the transformer. */
  layers: z.int().min(1).max(12).default(2),
  /** Choice. P, learned queries in the place of fashion landmarks. */
  parts: z.int().min(1).max(256).default(8),
});

export type FashionVlpConfig = z.output<typeof fashionVlpSchema>;

export function refusedFashionVlp(config: Partial<FashionVlpConfig>): string[] {
  return [...refusedHeads(config)];
}

/** Deviation of learned vectors at the start. */
const typeDeviation = 0.02;

/**
 * FashionVLP (Goenka et al., CVPR 2022), rebuilt after what a third party's rebuild shows of it. No crops, no detected regions,
 * nothing pretrained; every size is a choice of this project.
 *
 *   p_k = Σ_n softmax_n(parts_k · X_n / sqrt(D)) · X_n                                  parts of a reference or target
 *   q = state of cls after `layers` blocks on LN([cls ; W + wordType ; X + regionType ; P + partType])
 *   whole = Σ_n softmax_n(position(Y_n)) · Y_n,   part = Σ_k softmax_k(partScore(p_k)) · p_k
 *   c = softmax over both of contextScore(tanh(contextHidden(f))),   t = project(c_1 · whole + c_2 · part)
 *
 * X, Y [B, N, D], W [B, T, D] (padding is masked), p [B, P, D] -> q, t [B, D]. Positions have no vectors: the order of the
 * words is in their states. A bias of the scores would cancel.
 */
export class FashionVlp extends CompositionModel {
  readonly parts: Parameter;
  readonly cls: Parameter;
  readonly wordType: Parameter;
  readonly regionType: Parameter;
  readonly partType: Parameter;
  readonly inputNorm: LayerNorm;
  readonly layers: readonly AttentionBlock[];
  readonly position: Linear;
  readonly partScore: Linear;
  readonly contextHidden: Linear;
  readonly contextScore: Linear;
  readonly project: Linear;

  constructor(config: FashionVlpConfig, vocabularySize: number, random: Random) {
    super(config, vocabularySize, random);
    const { embedDim: width, layers, parts } = config;
    const learned = () => parameter([width], normal(random, typeDeviation));
    const score = () => new Linear(width, 1, random, { bias: false });
    this.parts = parameter([parts, width], normal(random, 1));
    this.cls = learned();
    this.wordType = learned();
    this.regionType = learned();
    this.partType = learned();
    this.inputNorm = new LayerNorm(width);
    this.layers = Array.from(
      { length: layers },
      () => new AttentionBlock(width, random, blockOptions(config)),
    );
    this.position = score();
    this.partScore = score();
    this.contextHidden = new Linear(width, width, random);
    this.contextScore = score();
    this.project = new Linear(width, width, random);
  }

  compose({ regions }: ImageFeatures, { words, mask }: TextFeatures, pass: ForwardPass): Composition {
    const tokens = concat(
      [
        repeatForBatch(expandDims(this.cls, 0), regions),
        add(words, this.wordType),
        add(regions, this.regionType),
        add(this.#partsOf(regions), this.partType),
      ],
      { axis: 1 },
    );
    const valid = (count: number) => repeatForBatch(full([count], 1, "bool"), regions);
    const keyMask = concat([valid(1), mask, valid(regions.dim(1) + this.parts.dim(0))], { axis: 1 });
    const state = firstAfterBlocks(this.layers, this.inputNorm.forward(tokens), { pass, kept: 1, keyMask });
    const [batch = 0] = regions.shape;
    return { q: reshape(state, [batch, regions.dim(2)]) };
  }

  override embedTarget({ regions }: ImageFeatures): TargetEmbedding {
    const parts = this.#partsOf(regions);
    const whole = pooled(this.position.forward(regions), regions); // [B, 1, D]
    const part = pooled(this.partScore.forward(parts), parts);
    const both = concat([whole, part], { axis: 1 });
    const context = pooled(this.contextScore.forward(tanh(this.contextHidden.forward(both))), both);
    const [batch = 0] = regions.shape;
    return { embedding: this.project.forward(reshape(context, [batch, regions.dim(2)])) };
  }

  /** p [B, P, D] */
  #partsOf(regions: Value): Value {
    const queries = multiply(this.parts, 1 / Math.sqrt(regions.dim(2)));
    return softmaxPool(transposeLast(linear(regions, queries)), regions);
  }
}

/** Scores [B, L, 1] of x [B, L, D] -> [B, 1, D]. */
function pooled(scores: Value, x: Value): Value {
  return softmaxPool(transposeLast(scores), x);
}
