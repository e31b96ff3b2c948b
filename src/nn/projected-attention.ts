/** Multi-head attention whose projections are layers of their own. */
import type { Value } from "../engine/graph/value.js";
import { multiply } from "../engine/ops/arithmetic.js";
import type { AttentionInputs } from "../engine/ops/attention.js";
import { less, lessOrEqual } from "../engine/ops/comparison.js";
import { cast, full, positions } from "../engine/ops/constant.js";
import { matmul } from "../engine/ops/matmul.js";
import { expandDims, reshape, transpose, transposeLast } from "../engine/ops/shape.js";
import { softmax } from "../engine/ops/softmax.js";
import type { Random } from "../engine/tensor/random.js";
import { ShapeError } from "../errors.js";
import type { ForwardPass } from "./forward-pass.js";
import type { InitialValues } from "./initial-values.js";
import { Linear } from "./linear.js";
import { Module } from "./module.js";

/** What is not the same everywhere. */
export interface ProjectedAttentionOptions {
  readonly heads: number;
  /** Biases of query, key and value; true by default. */
  readonly bias?: boolean;
  /** Whether a linear layer follows the heads; true by default. */
  readonly hasOut?: boolean;
  /** Dropout of the attention weights; 0 by default. */
  readonly dropout?: number;
  /** Initial values of the weights; torch.nn.Linear's by default. */
  readonly initial?: InitialValues | undefined;
}

/** What may be attended to; everything by default. */
export interface AttentionLimits {
  /** bool [B, T], true = may be attended to. */
  readonly keyMask?: Value | undefined;
  /** Place i of the query sees the keys 0 to i. */
  readonly isCausal?: boolean;
}

/**
 * MHA(Q, K, V) as in `MultiHeadAttention`, where the authors of a method have `query`, `key`, `value` and `out` as four
 * layers of their own, drop attention weights, or have no layer behind the heads.
 * query [B, N, D], key and value [B, T, D] -> [B, N, D]. Initial values are torch.nn.Linear's.
 * @throws ShapeError when the heads do not divide D.
 * @example
 * import { ForwardPass, Input, ProjectedAttention, Random } from "sdfn/models";
 * const layer = new ProjectedAttention(8, new Random(1), { heads: 2 });
 * const x = new Input("x", "float32", [2, 5, 8]);
 * console.log(layer.forward({ query: x, key: x, value: x }, ForwardPass.inference()).shape); // [ 2, 5, 8 ]
 */
export class ProjectedAttention extends Module {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly out: Linear | undefined;
  readonly #heads: number;
  readonly #dropout: number;

  constructor(width: number, random: Random, options: ProjectedAttentionOptions) {
    super();
    const { heads, bias = true, hasOut = true, dropout = 0, initial } = options;
    if (width % heads !== 0) {
      throw new ShapeError("ProjectedAttention", "heads must divide the width", { width, heads });
    }
    const projection = () => new Linear(width, width, random, { bias, initial });
    this.query = projection();
    this.key = projection();
    this.value = projection();
    this.out = hasOut ? new Linear(width, width, random, { initial }) : undefined;
    this.#heads = heads;
    this.#dropout = dropout;
  }

  forward(
    { query, key, value }: AttentionInputs,
    pass: ForwardPass,
    { keyMask, isCausal = false }: AttentionLimits = {},
  ): Value {
    const q = this.#cut(this.query.forward(query));
    const k = this.#cut(this.key.forward(key));
    const v = this.#cut(this.value.forward(value));
    const scores = matmul(multiply(q, 1 / Math.sqrt(q.dim(-1))), transposeLast(k)); // [B, heads, N, T]
    const ofKeys = keyMask && expandDims(expandDims(keyMask, 1), 2); // [B, 1, 1, T]
    const mask = isCausal ? causalMask(query, key, ofKeys) : ofKeys;
    const weights = pass.dropout(softmax(scores, { axis: -1, mask }), this.#dropout);
    const joined = reshape(transpose(matmul(weights, v), [0, 2, 1, 3]), query.shape);
    return this.out ? this.out.forward(joined) : joined;
  }

  /** [B, N, D] -> [B, heads, N, d] */
  #cut(x: Value): Value {
    const [batch = 0, length = 0] = x.shape;
    const cut = reshape(x, [batch, length, this.#heads, x.dim(2) / this.#heads]);
    return transpose(cut, [0, 2, 1, 3]);
  }
}

/** true where j <= i and the key may be attended to: bool [N, T], or [B, 1, N, T] with a mask [B, 1, 1, T]. */
function causalMask(query: Value, key: Value, ofKeys: Value | undefined): Value {
  const isBefore = lessOrEqual(expandDims(positions(key, 1), 0), expandDims(positions(query, 1), 1));
  if (!ofKeys) return isBefore;
  // The runtime chooses between numbers only.
  const areBoth = multiply(cast(ofKeys, "float32"), cast(isBefore, "float32"));
  return less(full([], 0, "float32"), areBoth);
}
