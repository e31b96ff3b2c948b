/** SigLIP's head: what a learned query finds in the patches. */
import type { Parameter, Value } from "../../engine/graph/value.js";
import { add } from "../../engine/ops/arithmetic.js";
import { repeatForBatch } from "../../engine/ops/repeat.js";
import { expandDims, reshape } from "../../engine/ops/shape.js";
import type { Random } from "../../engine/tensor/random.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { type InitialValues, normal, parameter } from "../../nn/initial-values.js";
import { LayerNorm } from "../../nn/layer-norm.js";
import { Module } from "../../nn/module.js";
import { ProjectedAttention } from "../../nn/projected-attention.js";
import { FeedForward } from "./feed-forward.js";
import type { BlockConfig } from "./tower-config.js";

/** a = MHA(probe, x, x), without a residual; y = a + MLP(LN(a)). x [B, N, C] -> y [B, C]. */
export class AttentionPool extends Module {
  readonly probe: Parameter; // [C]
  readonly attention: ProjectedAttention;
  readonly norm: LayerNorm;
  readonly mlp: FeedForward;

  constructor(config: BlockConfig, random: Random, initial: InitialValues | undefined) {
    super();
    const { width, heads, epsilon } = config;
    this.probe = parameter([width], initial ?? normal(random, 0.02));
    this.attention = new ProjectedAttention(width, random, { heads, initial });
    this.norm = new LayerNorm(width, { epsilon });
    this.mlp = new FeedForward(config, random, initial);
  }

  forward(x: Value, pass: ForwardPass): Value {
    const query = repeatForBatch(expandDims(this.probe, 0), x); // [B, 1, C]
    const a = this.attention.forward({ query, key: x, value: x }, pass);
    const y = add(a, this.mlp.forward(this.norm.forward(a))); // [B, 1, C]
    return reshape(y, [y.shape[0] ?? 1, y.dim(2)]);
  }
}
