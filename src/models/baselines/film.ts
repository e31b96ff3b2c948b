/** Baseline: FiLM. */

import { add, multiply } from "../../engine/ops/arithmetic.js";
import { relu } from "../../engine/ops/elementwise.js";
import { mean } from "../../engine/ops/reduce.js";
import { expandDims } from "../../engine/ops/shape.js";
import type { Random } from "../../engine/tensor/random.js";
import { Linear } from "../../nn/linear.js";
import { type Composition, CompositionModel } from "../composition-model.js";
import type { EncoderConfig } from "../encoder-config.js";
import type { ImageFeatures } from "../image-encoder.js";
import type { TextFeatures } from "../text-encoder.js";

/**
 * Feature-wise linear modulation (Perez et al., AAAI 2018), one residual block on the regions:
 *
 *   H = ReLU(W₁ · X),   gamma = 1 + W_g · s,   beta = W_b · s
 *   q = mean over regions of X + ReLU(gamma · (W₂ · H) + beta)
 *
 * X [B, N, D], s [B, D] -> q [B, D]. The linear layers act on each region, as 1x1 convolutions do.
 */
export class Film extends CompositionModel {
  readonly linear1: Linear;
  readonly linear2: Linear;
  readonly gamma: Linear;
  readonly beta: Linear;

  constructor(config: EncoderConfig, vocabularySize: number, random: Random) {
    super(config, vocabularySize, random);
    const width = config.embedDim;
    this.linear1 = new Linear(width, width, random);
    this.linear2 = new Linear(width, width, random);
    this.gamma = new Linear(width, width, random);
    this.beta = new Linear(width, width, random);
  }

  compose({ regions }: ImageFeatures, { sentence }: TextFeatures): Composition {
    const h = this.linear2.forward(relu(this.linear1.forward(regions))); // [B, N, D]
    const gamma = expandDims(add(this.gamma.forward(sentence), 1), 1); // [B, 1, D]
    const beta = expandDims(this.beta.forward(sentence), 1);
    const modulated = add(regions, relu(add(multiply(h, gamma), beta)));
    return { q: mean(modulated, { axes: [1] }) };
  }
}
