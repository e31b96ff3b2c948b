/** Baseline: MRN. */
import { z } from "zod";
import type { Value } from "../../engine/graph/value.js";
import { add, multiply } from "../../engine/ops/arithmetic.js";
import { tanh } from "../../engine/ops/elementwise.js";
import type { Random } from "../../engine/tensor/random.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { Linear } from "../../nn/linear.js";
import { Module } from "../../nn/module.js";
import { type Composition, CompositionModel } from "../composition-model.js";
import { encoderFields } from "../encoder-config.js";
import type { ImageFeatures } from "../image-encoder.js";
import type { TextFeatures } from "../text-encoder.js";

export const mrnSchema = z.strictObject({
  ...encoderFields,
  /** Choice. 1 as in the code for image retrieval; the authors, who answer questions, have 3. */
  blocks: z.int().min(1).max(16).default(1),
  /** Choice. "linear" puts a linear layer D -> D behind the blocks, where the authors have their classes. */
  out: z.enum(["none", "linear"]).default("none"),
  /** Before every linear layer. */
  dropout: z.number().min(0).lt(1).default(0.5),
});

/** A complete configuration. */
export type MrnConfig = z.output<typeof mrnSchema>;

/** h, x [B, D] -> P · h + tanh(A · h) * tanh(C · tanh(B · x)), dropout before every layer. */
class MrnBlock extends Module {
  readonly shortcut: Linear; // P
  readonly text: Linear; // A
  readonly image1: Linear; // B
  readonly image2: Linear; // C

  constructor(width: number, random: Random) {
    super();
    this.shortcut = new Linear(width, width, random);
    this.text = new Linear(width, width, random);
    this.image1 = new Linear(width, width, random);
    this.image2 = new Linear(width, width, random);
  }

  forward(h: Value, x: Value, drop: (value: Value) => Value): Value {
    const fromImage = tanh(this.image2.forward(drop(tanh(this.image1.forward(drop(x))))));
    const joint = multiply(tanh(this.text.forward(drop(h))), fromImage);
    return add(this.shortcut.forward(drop(h)), joint);
  }
}

/**
 * Multimodal residual network (Kim et al., NeurIPS 2016), joint residual learning by products:
 *
 *   h₀ = s,   h_(l+1) = P_l · h_l + tanh(A_l · h_l) * tanh(C_l · tanh(B_l · x))
 *   q = h_L, or W · h_L + b with `out`
 *
 * x, s [B, D] -> q [B, D]. The text is on the shortcut, as the question is in the authors' code (jnhwkim/nips-mrn-vqa
 * 1125ce4: three blocks, and an output layer) and in the code for image retrieval (nashory/rtic-gcn-pytorch 75c3a6d: one
 * block, none), which the defaults follow.
 */
export class Mrn extends CompositionModel {
  readonly blocks: readonly MrnBlock[];
  readonly out: Linear | undefined;
  readonly #dropout: number;

  constructor(config: MrnConfig, vocabularySize: number, random: Random) {
    super(config, vocabularySize, random);
    const { embedDim, blocks, out, dropout } = config;
    this.blocks = Array.from({ length: blocks }, () => new MrnBlock(embedDim, random));
    this.out = out === "linear" ? new Linear(embedDim, embedDim, random) : undefined;
    this.#dropout = dropout;
  }

  compose({ embedding }: ImageFeatures, { sentence }: TextFeatures, pass: ForwardPass): Composition {
    const drop = (value: Value) => pass.dropout(value, this.#dropout);
    const h = this.blocks.reduce((value, block) => block.forward(value, embedding, drop), sentence);
    return { q: this.out ? this.out.forward(drop(h)) : h };
  }
}
