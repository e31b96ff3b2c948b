/** Baseline: a network on image and text side by side. */
import { z } from "zod";
import { relu } from "../../engine/ops/elementwise.js";
import { concat } from "../../engine/ops/shape.js";
import type { Random } from "../../engine/tensor/random.js";
import { BatchNorm1d } from "../../nn/batch-norm1d.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { Linear } from "../../nn/linear.js";
import { type Composition, CompositionModel } from "../composition-model.js";
import { encoderFields } from "../encoder-config.js";
import type { ImageFeatures } from "../image-encoder.js";
import type { TextFeatures } from "../text-encoder.js";

export const concatSchema = z.strictObject({
  ...encoderFields,
  /** Before the last linear layer. */
  dropout: z.number().min(0).lt(1).default(0.1),
});

/** A complete configuration. */
export type ConcatConfig = z.output<typeof concatSchema>;

/**
 * q = W₂ · dropout(ReLU(BN(W₁ · ReLU(BN([x ; s]))))). x, s [B, D] -> [B, D], 2D inside.
 * The "concatenation" of Vo et al., CVPR 2019 (TIRG), whose public code has these layers.
 */
export class Concat extends CompositionModel {
  readonly norm1: BatchNorm1d;
  readonly linear1: Linear;
  readonly norm2: BatchNorm1d;
  readonly linear2: Linear;
  readonly #dropout: number;

  constructor(config: ConcatConfig, vocabularySize: number, random: Random) {
    super(config, vocabularySize, random);
    const width = config.embedDim;
    this.norm1 = new BatchNorm1d(2 * width);
    this.linear1 = new Linear(2 * width, 2 * width, random);
    this.norm2 = new BatchNorm1d(2 * width);
    this.linear2 = new Linear(2 * width, width, random);
    this.#dropout = config.dropout;
  }

  compose({ embedding }: ImageFeatures, { sentence }: TextFeatures, pass: ForwardPass): Composition {
    const both = concat([embedding, sentence], { axis: 1 }); // [B, 2D]
    const hidden = this.linear1.forward(relu(this.norm1.forward(both, pass)));
    const kept = pass.dropout(relu(this.norm2.forward(hidden, pass)), this.#dropout);
    return { q: this.linear2.forward(kept) };
  }
}
