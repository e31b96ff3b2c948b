/** Cross attention module (eq. 2). */
import type { Parameter, Value } from "../../engine/graph/value.js";
import { add } from "../../engine/ops/arithmetic.js";
import type { Random } from "../../engine/tensor/random.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { LayerNorm } from "../../nn/layer-norm.js";
import { MultiHeadAttention } from "../../nn/multi-head-attention.js";
import type { TextFeatures } from "../text-encoder.js";
import type { SdfnConfig } from "./config.js";
import { type ModuleOutput, OperationModule } from "./operation-module.js";
import { addResidual, residualStrength } from "./residual.js";

/**
 * CAM: every region looks at the words.
 *
 *   CAM(X) = LN(X + MHA(Q = X, K = W, V = W))        padding words masked out      (2)
 *
 * X [B, N, D] regions, W [B, T, D] words -> [B, N, D]; the attention weights [B, heads, N, T] are given too.
 */
export class CrossAttentionModule extends OperationModule {
  readonly attention: MultiHeadAttention;
  readonly norm: LayerNorm;
  readonly residual: Parameter | undefined;
  readonly #dropout: number;

  constructor(config: SdfnConfig, random: Random) {
    super();
    this.attention = new MultiHeadAttention(config.embedDim, config.heads, random);
    this.norm = new LayerNorm(config.embedDim);
    this.residual = residualStrength(config);
    this.#dropout = config.dropout;
  }

  forward(regions: Value, { words, mask }: TextFeatures, pass: ForwardPass): ModuleOutput {
    const inputs = { query: regions, key: words, value: words };
    const { y: attended, weights } = this.attention.forward(inputs, { keyMask: mask });
    const y = this.norm.forward(add(regions, pass.dropout(attended, this.#dropout)));
    return { y: addResidual(regions, y, this.residual), wordAttention: weights };
  }
}
