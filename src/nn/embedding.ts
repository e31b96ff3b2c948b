/** Word vectors. */
import type { Parameter, Value } from "../engine/graph/value.js";
import { gather } from "../engine/ops/gather.js";
import type { Random } from "../engine/tensor/random.js";
import { normal, parameter } from "./initial-values.js";
import { Module } from "./module.js";

/**
 * y = weight[tokens]. tokens int64 [...] in 0..count-1 -> y [..., width].
 * As torch.nn.Embedding: starts from a standard normal, every row learned.
 * @example
 * import { Embedding, Input, Random } from "sdfn/models";
 * const words = new Embedding(100, 8, new Random(1));
 * const tokens = new Input("tokens", "int64", [2, 5]);
 * console.log(words.forward(tokens).shape); // [ 2, 5, 8 ]
 */
export class Embedding extends Module {
  readonly weight: Parameter; // [count, width]

  constructor(count: number, width: number, random: Random) {
    super();
    this.weight = parameter([count, width], normal(random, 1));
  }

  forward(tokens: Value): Value {
    return gather(this.weight, tokens);
  }
}
