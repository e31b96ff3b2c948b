/** Long short-term memory over sequences with padding. */
import type { Parameter, Value } from "../engine/graph/value.js";
import { lstm } from "../engine/ops/lstm.js";
import type { Random } from "../engine/tensor/random.js";
import { parameter, uniform } from "./initial-values.js";
import { Module } from "./module.js";

/**
 * One layer, one direction: i, f, o = sigmoid, g = tanh of W_ih · x_t + b_ih + W_hh · h_(t-1) + b_hh;
 * c_t = f · c_(t-1) + i · g; h_t = o · tanh c_t. x [B, T, I], lengthMask bool [B, T] (true = word) -> h [B, T, D],
 * zero at padding. Names, gate order (i, f, g, o) and initial range are those of torch.nn.LSTM.
 * @example
 * import { Input, Lstm, Random } from "sdfn/models";
 * const layer = new Lstm(8, 16, new Random(1));
 * const x = new Input("x", "float32", [2, 5, 8]);
 * const isWord = new Input("isWord", "bool", [2, 5]);
 * console.log(layer.forward(x, isWord).shape); // [ 2, 5, 16 ]
 */
export class Lstm extends Module {
  readonly weight_ih_l0: Parameter; // [4D, I]
  readonly weight_hh_l0: Parameter; // [4D, D]
  readonly bias_ih_l0: Parameter; // [4D]
  readonly bias_hh_l0: Parameter; // [4D]

  constructor(inWidth: number, hiddenWidth: number, random: Random) {
    super();
    const initial = uniform(random, 1 / Math.sqrt(hiddenWidth));
    this.weight_ih_l0 = parameter([4 * hiddenWidth, inWidth], initial);
    this.weight_hh_l0 = parameter([4 * hiddenWidth, hiddenWidth], initial);
    this.bias_ih_l0 = parameter([4 * hiddenWidth], initial);
    this.bias_hh_l0 = parameter([4 * hiddenWidth], initial);
  }

  forward(x: Value, lengthMask: Value): Value {
    return lstm(x, {
      weightIh: this.weight_ih_l0,
      weightHh: this.weight_hh_l0,
      biasIh: this.bias_ih_l0,
      biasHh: this.bias_hh_l0,
      lengthMask,
    });
  }
}
