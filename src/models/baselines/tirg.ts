/** Baseline: TIRG. */
import type { Parameter, Value } from "../../engine/graph/value.js";
import { add, multiply } from "../../engine/ops/arithmetic.js";
import { relu, sigmoid } from "../../engine/ops/elementwise.js";
import { concat } from "../../engine/ops/shape.js";
import type { Random } from "../../engine/tensor/random.js";
import { BatchNorm1d } from "../../nn/batch-norm1d.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { filled, parameter } from "../../nn/initial-values.js";
import { Linear } from "../../nn/linear.js";
import { type Composition, CompositionModel } from "../composition-model.js";
import type { EncoderConfig } from "../encoder-config.js";
import type { ImageFeatures } from "../image-encoder.js";
import type { TextFeatures } from "../text-encoder.js";

/** Where the weights of gate and residual start, as in the authors' code. */
const gateStart = 1;
const residualStart = 10;

/**
 * Text-image residual gating (Vo et al., CVPR 2019), on the last embedding:
 *
 *   gate = σ(W_g · r) · x,   residual = W₂ · ReLU(W₁ · r'),   r, r' = ReLU(BN([x ; s]))
 *   q = a_g · gate + a_r · residual                           a_g, a_r learned, from 1 and 10
 *
 * x, s [B, D] -> q [B, D]; layers and starts are those of the authors' code (`TIRG`, last fully connected layer).
 */
export class Tirg extends CompositionModel {
  readonly gateNorm: BatchNorm1d;
  readonly gate: Linear;
  readonly residualNorm: BatchNorm1d;
  readonly residual1: Linear;
  readonly residual2: Linear;
  readonly gateWeight: Parameter;
  readonly residualWeight: Parameter;

  constructor(config: EncoderConfig, vocabularySize: number, random: Random) {
    super(config, vocabularySize, random);
    const width = config.embedDim;
    this.gateNorm = new BatchNorm1d(2 * width);
    this.gate = new Linear(2 * width, width, random);
    this.residualNorm = new BatchNorm1d(2 * width);
    this.residual1 = new Linear(2 * width, 2 * width, random);
    this.residual2 = new Linear(2 * width, width, random);
    this.gateWeight = parameter([], filled(gateStart));
    this.residualWeight = parameter([], filled(residualStart));
  }

  compose({ embedding }: ImageFeatures, { sentence }: TextFeatures, pass: ForwardPass): Composition {
    const both = concat([embedding, sentence], { axis: 1 }); // [B, 2D]
    const gate = sigmoid(this.gate.forward(this.#activated(both, this.gateNorm, pass)));
    const hidden = relu(this.residual1.forward(this.#activated(both, this.residualNorm, pass)));
    const kept = multiply(multiply(gate, embedding), this.gateWeight);
    return { q: add(kept, multiply(this.residual2.forward(hidden), this.residualWeight)) };
  }

  #activated(x: Value, norm: BatchNorm1d, pass: ForwardPass): Value {
    return relu(norm.forward(x, pass));
  }
}
