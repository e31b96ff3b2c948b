/** Attention and a feed-forward network, each with a residual and a layer norm behind it. */
import type { Value } from "../engine/graph/value.js";
import { add } from "../engine/ops/arithmetic.js";
import { relu } from "../engine/ops/elementwise.js";
import { slice } from "../engine/ops/shape.js";
import type { Random } from "../engine/tensor/random.js";
import type { ForwardPass } from "./forward-pass.js";
import { LayerNorm } from "./layer-norm.js";
import { Linear } from "./linear.js";
import { Module } from "./module.js";
import { MultiHeadAttention } from "./multi-head-attention.js";
import { ProjectedAttention } from "./projected-attention.js";

export interface AttentionBlockOptions {
  readonly heads: number;
  /** Width F of the feed-forward network; 2 · D by default. */
  readonly ffnWidth?: number | null | undefined;
  /** Dropout after attention and after the feed-forward network; 0 by default. */
  readonly dropout?: number;
  /** Query, key and value as one parameter (`MultiHeadAttention`, the default), or as layers of their own. */
  readonly projections?: "packed" | "separate";
}

/** What queries look at. */
export interface Memory {
  /** k [B, L, D]; the queries themselves by default. */
  readonly memory?: Value;
  /** bool [B, L], true = may be attended to; all by default. */
  readonly keyMask?: Value | undefined;
}

/**
 * a = LN(q + MHA(q, k, k)),  y = LN(a + ffn2(ReLU(ffn1(a)))).
 * q [B, M, D], k [B, L, D] -> y [B, M, D]; ffn1 D -> F, ffn2 F -> D. As torch.nn.TransformerEncoderLayer has it by default
 * where k = q.
 * @example
 * import { AttentionBlock, ForwardPass, Input, Random } from "sdfn/models";
 * const block = new AttentionBlock(8, new Random(1), { heads: 2 });
 * const x = new Input("x", "float32", [2, 5, 8]);
 * console.log(block.forward(x, ForwardPass.inference()).shape); // [ 2, 5, 8 ]
 */
export class AttentionBlock extends Module {
  readonly attention: MultiHeadAttention | ProjectedAttention;
  readonly norm1: LayerNorm;
  readonly ffn1: Linear;
  readonly ffn2: Linear;
  readonly norm2: LayerNorm;
  readonly #dropout: number;

  constructor(width: number, random: Random, options: AttentionBlockOptions) {
    super();
    const { heads, ffnWidth, dropout = 0, projections = "packed" } = options;
    this.attention =
      projections === "packed"
        ? new MultiHeadAttention(width, heads, random)
        : new ProjectedAttention(width, random, { heads });
    this.norm1 = new LayerNorm(width);
    this.ffn1 = new Linear(width, ffnWidth ?? 2 * width, random);
    this.ffn2 = new Linear(ffnWidth ?? 2 * width, width, random);
    this.norm2 = new LayerNorm(width);
    this.#dropout = dropout;
  }

  forward(query: Value, pass: ForwardPass, { memory = query, keyMask }: Memory = {}): Value {
    const inputs = { query, key: memory, value: memory };
    const attended =
      this.attention instanceof MultiHeadAttention
        ? this.attention.forward(inputs, { keyMask }).y
        : this.attention.forward(inputs, pass, { keyMask });
    const a = this.norm1.forward(add(query, pass.dropout(attended, this.#dropout)));
    const fed = this.ffn2.forward(relu(this.ffn1.forward(a)));
    return this.norm2.forward(add(a, pass.dropout(fed, this.#dropout)));
  }
}

/**
 * Self-attention through all blocks, of which the first `kept` positions are wanted: the last block computes those alone.
 * tokens [B, L, D] -> [B, kept, D]. Needs a block.
 */
export function firstAfterBlocks(
  blocks: readonly AttentionBlock[],
  tokens: Value,
  { pass, kept, keyMask }: { readonly pass: ForwardPass; readonly kept: number } & Pick<Memory, "keyMask">,
): Value {
  let memory = tokens;
  for (const block of blocks.slice(0, -1)) memory = block.forward(memory, pass, { keyMask });
  const query = slice(memory, { axis: 1, start: 0, end: kept });
  return blocks.at(-1)?.forward(query, pass, { memory, keyMask }) ?? query;
}
