/** The router on words (section 2.3). */
import type { Value } from "../../engine/graph/value.js";
import { tanh } from "../../engine/ops/elementwise.js";
import { reshape } from "../../engine/ops/shape.js";
import type { Random } from "../../engine/tensor/random.js";
import { Linear } from "../../nn/linear.js";
import { softmaxPool } from "../../nn/softmax-pool.js";
import type { TextFeatures } from "../text-encoder.js";
import { Router, type RouterSizes } from "./router.js";

/**
 * Additive attention over the valid words, then a router:
 *
 *   e_t = v · tanh(U · w_t + b),   pooled = sum over t of softmax(e)_t · w_t
 *   logits = Linear(ReLU(Linear(pooled)))
 *
 * W [B, T, D] words -> [B, J]. U maps D -> R with bias, v has none.
 */
export class TextRouter extends Router {
  readonly att_u: Linear;
  readonly att_v: Linear;

  constructor(sizes: RouterSizes, random: Random) {
    super(sizes, random);
    this.att_u = new Linear(sizes.inWidth, sizes.hiddenWidth, random);
    this.att_v = new Linear(sizes.hiddenWidth, 1, random, { bias: false });
  }

  forwardWords({ words, mask }: TextFeatures): Value {
    const energies = this.att_v.forward(tanh(this.att_u.forward(words))); // [B, T, 1]
    const [batch = 0, length = 0] = words.shape;
    return this.forward(softmaxPool(reshape(energies, [batch, length]), words, mask));
  }
}
