/** Multi-head attention. */
import type { Parameter, Value } from "../engine/graph/value.js";
import { type AttentionInputs, attention } from "../engine/ops/attention.js";
import type { Random } from "../engine/tensor/random.js";
import { filled, parameter, xavierUniform } from "./initial-values.js";
import { Linear } from "./linear.js";
import { Module } from "./module.js";

/**
 * MHA(Q, K, V) = concat over heads of softmax(Qᵢ · Kᵢᵀ / sqrt(d)) · Vᵢ, then a linear layer; Qᵢ, Kᵢ, Vᵢ are linear in
 * query, key, value, of width d = D / heads. query [B, N, D], key and value [B, T, D] -> y [B, N, D].
 * Names, layout and initial values are those of torch.nn.MultiheadAttention.
 * @example
 * import { Input, MultiHeadAttention, Random } from "sdfn/models";
 * const layer = new MultiHeadAttention(8, 2, new Random(1));
 * const x = new Input("x", "float32", [2, 5, 8]);
 * console.log(layer.forward({ query: x, key: x, value: x }).y.shape); // [ 2, 5, 8 ]
 */
export class MultiHeadAttention extends Module {
  readonly in_proj_weight: Parameter; // [3D, D]: query, key, value
  readonly in_proj_bias: Parameter; // [3D]
  readonly out_proj: Linear;
  readonly #headCount: number;

  constructor(width: number, headCount: number, random: Random) {
    super();
    this.in_proj_weight = parameter([3 * width, width], xavierUniform(random));
    this.in_proj_bias = parameter([3 * width], filled(0));
    this.out_proj = new Linear(width, width, random);
    this.out_proj.bias?.data.fill(0);
    this.#headCount = headCount;
  }

  /**
   * @param keyMask bool [B, T], true = may be attended to; all by default.
   * @returns y [B, N, D] and the attention weights [B, heads, N, T], through which no gradient flows.
   */
  forward(
    inputs: AttentionInputs,
    { keyMask }: { readonly keyMask?: Value | undefined } = {},
  ): { y: Value; weights: Value } {
    const { context, weights } = attention(inputs, {
      weight: this.in_proj_weight,
      bias: this.in_proj_bias,
      headCount: this.#headCount,
      keyMask,
    });
    return { y: this.out_proj.forward(context), weights };
  }
}
