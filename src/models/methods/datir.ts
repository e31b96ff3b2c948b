/** DATIR, a reconstruction: TIRG's composition, trained by mutual information besides. */
import { z } from "zod";
import type { Parameter, Value } from "../../engine/graph/value.js";
import { add, multiply, subtract } from "../../engine/ops/arithmetic.js";
import { linear } from "../../engine/ops/linear.js";
import { concat, expandDims, reshape } from "../../engine/ops/shape.js";
import type { Random } from "../../engine/tensor/random.js";
import { AttentionBlock } from "../../nn/attention-block.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { normal, parameter } from "../../nn/initial-values.js";
import { Linear } from "../../nn/linear.js";
import { mutualInformationLoss } from "../../nn/losses/mutual-information.js";
import type { LossPart } from "../../nn/losses/total.js";
import { Module } from "../../nn/module.js";
import { GatedResidual } from "../baselines/gated-residual.js";
import { type BatchFeatures, type Composition, CompositionModel } from "../composition-model.js";
import { encoderFields } from "../encoder-config.js";
import type { ImageFeatures } from "../image-encoder.js";
import { refusedHeads } from "../refused.js";
import type { TextFeatures } from "../text-encoder.js";
import { blockFields, blockOptions } from "./block-fields.js";

export const datirSchema = z.strictObject({
  ...encoderFields,
  ...blockFields,
  /** Choice. Weight of the mutual information of text and difference. */
  attentionWeight: z.number().min(0).max(1000).default(0.1),
  /** Choice. Weight of the mutual information of query and target. */
  hierarchyWeight: z.number().min(0).max(1000).default(0.1),
});

export type DatirConfig = z.output<typeof datirSchema>;

export function refusedDatir(config: Partial<DatirConfig>): string[] {
  return [...refusedHeads(config)];
}

/** Deviation of learned vectors at the start. */
const typeDeviation = 0.02;

/** T_ij = left(u_i) · right(v_j) / sqrt(D): u [B, D], v [B, N, D] -> T [B, B · N]. */
class Critic extends Module {
  readonly left: Linear;
  readonly right: Linear;

  constructor(width: number, random: Random) {
    super();
    this.left = new Linear(width, width, random);
    this.right = new Linear(width, width, random);
  }

  forward(u: Value, v: Value): Value {
    const rows = reshape(v, [v.dim(0) * v.dim(1), v.dim(2)]);
    const left = multiply(this.left.forward(u), 1 / Math.sqrt(v.dim(2)));
    return linear(left, this.right.forward(rows));
  }
}

/**
 * Text-to-image attention mutual information and hierarchical mutual information (ACM MM 2021, 10.1145/3474085.3475619). The
 * authors published no code and the paper's text could not be had: names and purposes of the parts are theirs, every formula
 * is a choice of this project. J is `mutualInformationLoss`, T a critic.
 *
 *   q = fusion(x, s)                                                          TIRG's composition
 *   d = difference(query(t - x), [X + referenceType ; Y + targetType])        one attention block, one token
 *   L_a = J(T(s, d)),   L_h = (J(T(q, Y)) + J(T(q, t))) / 2
 *   L = L_bbc + attentionWeight · L_a + hierarchyWeight · L_h
 *
 * X, Y [B, N, D], x, t, s [B, D] -> q, d [B, D]. Difference and critics are for training only. No text goes into d, from which
 * the critic could read it off. Levels of the target are its last map and the mean of that.
 */
export class Datir extends CompositionModel {
  readonly fusion: GatedResidual;
  readonly query: Linear;
  readonly referenceType: Parameter;
  readonly targetType: Parameter;
  readonly difference: AttentionBlock;
  readonly textCritic: Critic;
  readonly regionCritic: Critic;
  readonly embeddingCritic: Critic;
  readonly #weights: Pick<DatirConfig, "attentionWeight" | "hierarchyWeight">;

  constructor(config: DatirConfig, vocabularySize: number, random: Random) {
    super(config, vocabularySize, random);
    const { embedDim: width } = config;
    this.fusion = new GatedResidual(width, random);
    this.query = new Linear(width, width, random);
    this.referenceType = parameter([width], normal(random, typeDeviation));
    this.targetType = parameter([width], normal(random, typeDeviation));
    this.difference = new AttentionBlock(width, random, blockOptions(config));
    this.textCritic = new Critic(width, random);
    this.regionCritic = new Critic(width, random);
    this.embeddingCritic = new Critic(width, random);
    this.#weights = config;
  }

  compose({ embedding }: ImageFeatures, { sentence }: TextFeatures, pass: ForwardPass): Composition {
    return { q: this.fusion.forward(embedding, sentence, pass) };
  }

  /** d */
  differenceOf(reference: ImageFeatures, target: ImageFeatures, pass: ForwardPass): Value {
    const step = this.query.forward(subtract(target.embedding, reference.embedding));
    const memory = concat(
      [add(reference.regions, this.referenceType), add(target.regions, this.targetType)],
      { axis: 1 },
    );
    return reshape(this.difference.forward(expandDims(step, 1), pass, { memory }), step.shape);
  }

  /** L_a */
  attentionLoss(sentence: Value, difference: Value): Value {
    return mutualInformationLoss(this.textCritic.forward(sentence, expandDims(difference, 1)));
  }

  /** L_h */
  hierarchyLoss(q: Value, { regions, embedding }: ImageFeatures): Value {
    const ofRegions = mutualInformationLoss(this.regionCritic.forward(q, regions));
    const ofEmbedding = mutualInformationLoss(this.embeddingCritic.forward(q, expandDims(embedding, 1)));
    return multiply(add(ofRegions, ofEmbedding), 0.5);
  }

  override losses(batch: BatchFeatures, pass: ForwardPass): readonly LossPart[] {
    const { composition, reference, text, target } = batch;
    const { attentionWeight, hierarchyWeight } = this.#weights;
    const difference = this.differenceOf(reference, target, pass);
    return [
      ...super.losses(batch, pass),
      {
        name: "attention",
        weight: attentionWeight,
        value: this.attentionLoss(text.sentence, difference),
      },
      { name: "hierarchy", weight: hierarchyWeight, value: this.hierarchyLoss(composition.q, target) },
    ];
  }
}
