/** Joint reasoning module (eq. 1). */
import type { Parameter, Value } from "../../engine/graph/value.js";
import { add } from "../../engine/ops/arithmetic.js";
import { relu } from "../../engine/ops/elementwise.js";
import type { Random } from "../../engine/tensor/random.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { LayerNorm } from "../../nn/layer-norm.js";
import { Linear } from "../../nn/linear.js";
import { MultiHeadAttention } from "../../nn/multi-head-attention.js";
import type { TextFeatures } from "../text-encoder.js";
import { ffnWidthOf, type SdfnConfig } from "./config.js";
import { type ModuleOutput, OperationModule } from "./operation-module.js";
import { addResidual, residualStrength } from "./residual.js";

/**
 * JRM: regions and sentence reasoned over together.
 *
 *   H = Linear([X ; s])            s repeated over the regions       (1)
 *   A = LN(H + MHA(H, H, H))
 *   JRM(X) = LN(A + FFN(A))        FFN = Linear D -> F, ReLU, Linear F -> D
 *
 * X [B, N, D] regions, s [B, D] sentence -> [B, N, D].
 * Residuals and norms are this project's choice (`jrmResidual`); without them A = MHA(H, H, H), JRM(X) = FFN(A).
 * [X ; s] is never built: its product with W = [W₁ W₂] is X · W₁ᵀ + s · W₂ᵀ.
 */
export class JointReasoningModule extends OperationModule {
  readonly linear: Linear;
  readonly attention: MultiHeadAttention;
  readonly norm1: LayerNorm | undefined;
  readonly ffn1: Linear;
  readonly ffn2: Linear;
  readonly norm2: LayerNorm | undefined;
  readonly residual: Parameter | undefined;
  readonly #dropout: number;

  constructor(config: SdfnConfig, random: Random) {
    super();
    const { embedDim, heads, jrmResidual, dropout } = config;
    const ffnWidth = ffnWidthOf(config);
    this.linear = new Linear(2 * embedDim, embedDim, random);
    this.attention = new MultiHeadAttention(embedDim, heads, random);
    this.norm1 = jrmResidual ? new LayerNorm(embedDim) : undefined;
    this.ffn1 = new Linear(embedDim, ffnWidth, random);
    this.ffn2 = new Linear(ffnWidth, embedDim, random);
    this.norm2 = jrmResidual ? new LayerNorm(embedDim) : undefined;
    this.residual = residualStrength(config);
    this.#dropout = dropout;
  }

  forward(regions: Value, { sentence }: TextFeatures, pass: ForwardPass): ModuleOutput {
    const h = this.linear.forwardPair(regions, sentence); // [B, N, D]
    const attended = this.attention.forward({ query: h, key: h, value: h }).y;
    const a = addAndNorm(h, pass.dropout(attended, this.#dropout), this.norm1);
    const fed = this.ffn2.forward(relu(this.ffn1.forward(a)));
    const y = addAndNorm(a, pass.dropout(fed, this.#dropout), this.norm2);
    return { y: addResidual(regions, y, this.residual) };
  }
}

/** LN(x + f), or f alone where there is no norm. */
function addAndNorm(x: Value, f: Value, norm: LayerNorm | undefined): Value {
  return norm ? norm.forward(add(x, f)) : f;
}
