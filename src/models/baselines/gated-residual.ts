/** TIRG's composition: a gate on the image, and a residual beside it. */
import type { Parameter, Value } from "../../engine/graph/value.js";
import { add, multiply } from "../../engine/ops/arithmetic.js";
import { relu, sigmoid } from "../../engine/ops/elementwise.js";
import { concat } from "../../engine/ops/shape.js";
import type { Random } from "../../engine/tensor/random.js";
import { BatchNorm1d } from "../../nn/batch-norm1d.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { filled, parameter } from "../../nn/initial-values.js";
import { Linear } from "../../nn/linear.js";
import { Module } from "../../nn/module.js";

/** Where the weights of gate and residual start, as in the authors' code. */
const gateStart = 1;
const residualStart = 10;

/**
 * Text-image residual gating (Vo et al., CVPR 2019), on vectors:
 *
 *   gate = σ(W_g · r) · x,   residual = W₂ · ReLU(W₁ · r'),   r, r' = ReLU(BN([x ; s]))
 *   q = a_g · gate + a_r · residual                           a_g, a_r learned, from 1 and 10
 *
 * x, s [B, D] -> q [B, D]; layers and starts are those of the authors' code (`TIRG`, last fully connected layer).
 */
export class GatedResidual extends Module {
  readonly gateNorm: BatchNorm1d;
  readonly gate: Linear;
  readonly residualNorm: BatchNorm1d;
  readonly residual1: Linear;
  readonly residual2: Linear;
  readonly gateWeight: Parameter;
  readonly residualWeight: Parameter;

  constructor(width: number, random: Random) {
    super();
    this.gateNorm = new BatchNorm1d(2 * width);
    this.gate = new Linear(2 * width, width, random);
    this.residualNorm = new BatchNorm1d(2 * width);
    this.residual1 = new Linear(2 * width, 2 * width, random);
    this.residual2 = new Linear(2 * width, width, random);
    this.gateWeight = parameter([], filled(gateStart));
    this.residualWeight = parameter([], filled(residualStart));
  }

  forward(x: Value, s: Value, pass: ForwardPass): Value {
    const both = concat([x, s], { axis: 1 }); // [B, 2D]
    const activated = (norm: BatchNorm1d) => relu(norm.forward(both, pass));
    const gate = sigmoid(this.gate.forward(activated(this.gateNorm)));
    const hidden = relu(this.residual1.forward(activated(this.residualNorm)));
    const kept = multiply(multiply(gate, x), this.gateWeight);
    return add(kept, multiply(this.residual2.forward(hidden), this.residualWeight));
  }
}
