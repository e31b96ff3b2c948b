/** Layer normalisation over the last axis. */
import type { Parameter, Value } from "../engine/graph/value.js";
import { layerNorm } from "../engine/ops/normalisation.js";
import { filled, parameter } from "./initial-values.js";
import { Module } from "./module.js";

export interface LayerNormOptions {
  /** Added to the variance; 1e-5 by default. */
  readonly epsilon?: number;
}

/**
 * y = (x - mean) / sqrt(variance + epsilon) · weight + bias over the last axis. x [..., D] -> y [..., D].
 * As torch.nn.LayerNorm.
 * @example
 * import { Input, LayerNorm } from "sdfn/models";
 * const layer = new LayerNorm(3);
 * const x = new Input("x", "float32", [2, 3]);
 * console.log(layer.forward(x).shape); // [ 2, 3 ]
 */
export class LayerNorm extends Module {
  readonly weight: Parameter; // [D]
  readonly bias: Parameter; // [D]
  readonly #epsilon: number;

  constructor(width: number, { epsilon = 1e-5 }: LayerNormOptions = {}) {
    super();
    this.weight = parameter([width], filled(1));
    this.bias = parameter([width], filled(0));
    this.#epsilon = epsilon;
  }

  forward(x: Value): Value {
    return layerNorm(x, { weight: this.weight, bias: this.bias, epsilon: this.#epsilon });
  }
}
