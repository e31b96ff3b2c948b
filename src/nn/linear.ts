/** Fully connected layer. */
import type { Parameter, Value } from "../engine/graph/value.js";
import { add } from "../engine/ops/arithmetic.js";
import { linear, linearOfPair } from "../engine/ops/linear.js";
import type { Random } from "../engine/tensor/random.js";
import { type InitialValues, parameter, uniform } from "./initial-values.js";
import { Module } from "./module.js";

export interface LinearOptions {
  readonly bias?: boolean;
  /** Initial values of the weight; by default torch.nn.Linear's. */
  readonly initial?: InitialValues | undefined;
}

/**
 * y = x · Wᵀ + b. x [..., inFeatures] -> y [..., outFeatures].
 * Names, layout and initial range are those of torch.nn.Linear.
 * @example
 * import { Input, Linear, Random } from "sdfn/models";
 * const layer = new Linear(3, 5, new Random(1));
 * const x = new Input("x", "float32", [2, 3]);
 * console.log(layer.forward(x).shape); // [ 2, 5 ]
 */
export class Linear extends Module {
  readonly weight: Parameter; // W [outFeatures, inFeatures]
  readonly bias: Parameter | undefined; // b [outFeatures]

  constructor(
    inFeatures: number,
    outFeatures: number,
    random: Random,
    { bias = true, initial }: LinearOptions = {},
  ) {
    super();
    const range = uniform(random, 1 / Math.sqrt(inFeatures));
    this.weight = parameter([outFeatures, inFeatures], initial ?? range);
    this.bias = bias ? parameter([outFeatures], range) : undefined;
  }

  forward(x: Value): Value {
    const y = linear(x, this.weight);
    return this.bias ? add(y, this.bias) : y;
  }

  /** The layer applied to [x ; s], s repeated: x [B, N, I], s [B, K], I + K = inFeatures -> y [B, N, outFeatures]. */
  forwardPair(x: Value, s: Value): Value {
    return linearOfPair(x, s, this.weight, this.bias);
  }
}
