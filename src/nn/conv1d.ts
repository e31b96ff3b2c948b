/** One-dimensional convolution layer, along words. */
import type { Parameter, Value } from "../engine/graph/value.js";
import { add } from "../engine/ops/arithmetic.js";
import { equal } from "../engine/ops/comparison.js";
import { cast, positions } from "../engine/ops/constant.js";
import { linear } from "../engine/ops/linear.js";
import { matmul } from "../engine/ops/matmul.js";
import { concat, expandDims, reshape, transpose } from "../engine/ops/shape.js";
import type { Random } from "../engine/tensor/random.js";
import { parameter, uniform } from "./initial-values.js";
import { Module } from "./module.js";

export interface Conv1dOptions {
  /** K, places that are seen at once. */
  readonly kernel: number;
  /** How many of them lie before the own place; 0 by default. Beyond either end there are zeros. */
  readonly before?: number;
  readonly bias?: boolean;
}

/**
 * y[b, l] = sum over k of W[:, :, k] · x[b, l + k - before] + b, channels last. x [B, T, inChannels] -> y [B, T, outChannels].
 * Names, layout and initial range are those of torch.nn.Conv1d: uniform within 1 / sqrt(inChannels · K).
 * @example
 * import { Conv1d, Input, Random } from "sdfn/models";
 * const layer = new Conv1d(3, 5, new Random(1), { kernel: 3, before: 1 });
 * const x = new Input("x", "float32", [2, 7, 3]);
 * console.log(layer.forward(x).shape); // [ 2, 7, 5 ]
 */
export class Conv1d extends Module {
  readonly weight: Parameter; // W [outChannels, inChannels, K]
  readonly bias: Parameter | undefined; // b [outChannels]
  readonly #before: number;

  constructor(
    inChannels: number,
    outChannels: number,
    random: Random,
    { kernel, before = 0, bias = true }: Conv1dOptions,
  ) {
    super();
    const range = uniform(random, 1 / Math.sqrt(inChannels * kernel));
    this.weight = parameter([outChannels, inChannels, kernel], range);
    this.bias = bias ? parameter([outChannels], range) : undefined;
    this.#before = before;
  }

  forward(x: Value): Value {
    const [outChannels = 0, inChannels = 0, kernel = 0] = this.weight.shape;
    const seen = Array.from({ length: kernel }, (_, k) => shifted(x, k - this.#before));
    const flat = reshape(transpose(this.weight, [0, 2, 1]), [outChannels, kernel * inChannels]);
    const y = linear(concat(seen, { axis: 2 }), flat);
    return this.bias ? add(y, this.bias) : y;
  }
}

/** y[b, l] = x[b, l + by], zeros beyond the ends. A product with ones and zeros, so that T may be a symbol: [B, T, C]. */
function shifted(x: Value, by: number): Value {
  return by === 0 ? x : matmul(shiftMatrix(x, by), x);
}

/** S[l, m] = 1 where m = l + by, else 0, for the places of x [B, T, C]: [T, T]. */
export function shiftMatrix(x: Value, by: number): Value {
  const at = positions(x, 1);
  return cast(equal(expandDims(at, 0), add(expandDims(at, 1), by)), x.dtype);
}
