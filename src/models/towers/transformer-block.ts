/** A block of a pretrained tower. */
import type { Parameter, Value } from "../../engine/graph/value.js";
import { add, multiply } from "../../engine/ops/arithmetic.js";
import type { Random } from "../../engine/tensor/random.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { filled, type InitialValues, parameter } from "../../nn/initial-values.js";
import { LayerNorm } from "../../nn/layer-norm.js";
import { Module } from "../../nn/module.js";
import { type AttentionLimits, ProjectedAttention } from "../../nn/projected-attention.js";
import { FeedForward } from "./feed-forward.js";
import type { BlockConfig } from "./tower-config.js";

/**
 * Pre-norm transformer block: x += scale1 · MHA(LN1(x)); x += scale2 · MLP(LN2(x)). x [B, N, C] -> [B, N, C].
 * The scales, [C], are DINOv2's.
 */
export class TransformerBlock extends Module {
  readonly norm1: LayerNorm;
  readonly attention: ProjectedAttention;
  readonly scale1: Parameter | undefined;
  readonly norm2: LayerNorm;
  readonly mlp: FeedForward;
  readonly scale2: Parameter | undefined;

  constructor(config: BlockConfig, random: Random, initial: InitialValues | undefined) {
    super();
    const { width, heads, epsilon, hasLayerScale, hasAttentionBias } = config;
    const scale = () => (hasLayerScale ? parameter([width], filled(1)) : undefined);
    this.norm1 = new LayerNorm(width, { epsilon });
    this.attention = new ProjectedAttention(width, random, { heads, bias: hasAttentionBias, initial });
    this.scale1 = scale();
    this.norm2 = new LayerNorm(width, { epsilon });
    this.mlp = new FeedForward(config, random, initial);
    this.scale2 = scale();
  }

  forward(x: Value, pass: ForwardPass, limits: AttentionLimits = {}): Value {
    const scaled = (branch: Value, scale: Parameter | undefined) =>
      scale ? multiply(branch, scale) : branch;
    const normed = this.norm1.forward(x);
    const attended = this.attention.forward({ query: normed, key: normed, value: normed }, pass, limits);
    const a = add(x, scaled(attended, this.scale1));
    return add(a, scaled(this.mlp.forward(this.norm2.forward(a)), this.scale2));
  }
}

/** States before the first block and after each: the last is what the blocks make of x. */
export function statesOfBlocks(
  blocks: readonly TransformerBlock[],
  x: Value,
  pass: ForwardPass,
  limits: AttentionLimits = {},
): readonly [Value, ...Value[]] {
  const states: [Value, ...Value[]] = [x];
  let state = x;
  for (const block of blocks) {
    state = block.forward(state, pass, limits);
    states.push(state);
  }
  return states;
}
