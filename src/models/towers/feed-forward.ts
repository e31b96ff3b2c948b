/** What follows attention in a block of a pretrained tower. */
import type { Value } from "../../engine/graph/value.js";
import { gelu, quickGelu, silu, tanhGelu } from "../../engine/ops/activations.js";
import { multiply } from "../../engine/ops/arithmetic.js";
import { slice } from "../../engine/ops/shape.js";
import type { Random } from "../../engine/tensor/random.js";
import type { InitialValues } from "../../nn/initial-values.js";
import { Linear } from "../../nn/linear.js";
import { Module } from "../../nn/module.js";
import type { BlockConfig, TowerActivation } from "./tower-config.js";

const activations: Readonly<Record<TowerActivation, (x: Value) => Value>> = {
  quick_gelu: quickGelu,
  gelu,
  gelu_pytorch_tanh: tanhGelu,
};

/**
 * MLP(x) = fc2(activation(fc1(x))). x [..., C] -> y [..., C]. SwiGLU: fc1 gives [a ; b], and the activation is silu(a) · b.
 */
export class FeedForward extends Module {
  readonly fc1: Linear;
  readonly fc2: Linear;
  readonly #activation: BlockConfig["activation"];

  constructor(config: BlockConfig, random: Random, initial: InitialValues | undefined) {
    super();
    const { width, feedForward, activation } = config;
    const inner = activation === "swiglu" ? 2 * feedForward : feedForward;
    this.fc1 = new Linear(width, inner, random, { initial });
    this.fc2 = new Linear(feedForward, width, random, { initial });
    this.#activation = activation;
  }

  forward(x: Value): Value {
    const hidden = this.fc1.forward(x);
    if (this.#activation !== "swiglu") return this.fc2.forward(activations[this.#activation](hidden));
    const half = hidden.dim(-1) / 2;
    const axis = hidden.rank - 1;
    const gate = slice(hidden, { axis, start: 0, end: half });
    const value = slice(hidden, { axis, start: half, end: 2 * half });
    return this.fc2.forward(multiply(silu(gate), value));
  }
}
