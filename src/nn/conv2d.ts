/** Two-dimensional convolution layer. */
import type { Parameter, Value } from "../engine/graph/value.js";
import { add } from "../engine/ops/arithmetic.js";
import { type ConvOptions, conv2d } from "../engine/ops/conv.js";
import { reshape } from "../engine/ops/shape.js";
import type { Random } from "../engine/tensor/random.js";
import { type InitialValues, parameter, uniform } from "./initial-values.js";
import { Module } from "./module.js";

export interface Conv2dOptions extends ConvOptions {
  /** Side of the kernel, px. */
  readonly kernel: number;
  readonly bias?: boolean;
  /** Initial values of the weight; by default torch.nn.Conv2d's. */
  readonly initial?: InitialValues | undefined;
}

/**
 * y = conv(x, W) + b. x [B, inChannels, H, W] -> y [B, outChannels, Ho, Wo].
 * Names, layout and initial range are those of torch.nn.Conv2d: uniform within 1 / sqrt(inChannels · kernel²).
 * @example
 * import { Conv2d, Input, Random } from "sdfn/models";
 * const layer = new Conv2d(3, 5, new Random(1), { kernel: 1 });
 * const x = new Input("x", "float32", [2, 3, 7, 7]);
 * console.log(layer.forward(x).shape); // [ 2, 5, 7, 7 ]
 */
export class Conv2d extends Module {
  readonly weight: Parameter; // W [outChannels, inChannels, kernel, kernel]
  readonly bias: Parameter | undefined; // b [outChannels]
  readonly #options: ConvOptions;

  constructor(
    inChannels: number,
    outChannels: number,
    random: Random,
    { kernel, bias = true, initial, ...options }: Conv2dOptions,
  ) {
    super();
    const range = uniform(random, 1 / Math.sqrt(inChannels * kernel * kernel));
    this.weight = parameter([outChannels, inChannels, kernel, kernel], initial ?? range);
    this.bias = bias ? parameter([outChannels], range) : undefined;
    this.#options = options;
  }

  forward(x: Value): Value {
    const y = conv2d(x, this.weight, this.#options);
    return this.bias ? add(y, reshape(this.bias, [this.weight.dim(0), 1, 1])) : y;
  }
}
