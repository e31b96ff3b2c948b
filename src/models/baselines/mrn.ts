/** Baseline: MRN. */
import type { Value } from "../../engine/graph/value.js";
import { add, multiply } from "../../engine/ops/arithmetic.js";
import { tanh } from "../../engine/ops/elementwise.js";
import type { Random } from "../../engine/tensor/random.js";
import { Linear } from "../../nn/linear.js";
import { Module } from "../../nn/module.js";
import { type Composition, CompositionModel } from "../composition-model.js";
import type { EncoderConfig } from "../encoder-config.js";
import type { ImageFeatures } from "../image-encoder.js";
import type { TextFeatures } from "../text-encoder.js";

const blockCount = 2;

/** h, s [B, D] -> P · h + tanh(A · h) * tanh(C · tanh(B · s)). */
class MrnBlock extends Module {
  readonly shortcut: Linear; // P
  readonly image: Linear; // A
  readonly text1: Linear; // B
  readonly text2: Linear; // C

  constructor(width: number, random: Random) {
    super();
    this.shortcut = new Linear(width, width, random);
    this.image = new Linear(width, width, random);
    this.text1 = new Linear(width, width, random);
    this.text2 = new Linear(width, width, random);
  }

  forward(h: Value, s: Value): Value {
    const fromText = tanh(this.text2.forward(tanh(this.text1.forward(s))));
    return add(this.shortcut.forward(h), multiply(tanh(this.image.forward(h)), fromText));
  }
}

/**
 * Multimodal residual network (Kim et al., NeurIPS 2016), two blocks of joint residual learning by products:
 *
 *   h₀ = x,   h_(l+1) = P_l · h_l + tanh(A_l · h_l) * tanh(C_l · tanh(B_l · s)),   q = h₂
 *
 * x, s [B, D] -> q [B, D]. The image is on the shortcut, where the original answers questions and has the question:
 * here it is the image that has to be kept.
 */
export class Mrn extends CompositionModel {
  readonly blocks: readonly MrnBlock[];

  constructor(config: EncoderConfig, vocabularySize: number, random: Random) {
    super(config, vocabularySize, random);
    this.blocks = Array.from({ length: blockCount }, () => new MrnBlock(config.embedDim, random));
  }

  compose({ embedding }: ImageFeatures, { sentence }: TextFeatures): Composition {
    return { q: this.blocks.reduce((h, block) => block.forward(h, sentence), embedding) };
  }
}
