/** Text compositor of Css-Net: the words changed by the picture. */
import type { Value } from "../../../engine/graph/value.js";
import { add, divide, multiply } from "../../../engine/ops/arithmetic.js";
import { cast } from "../../../engine/ops/constant.js";
import { sigmoid } from "../../../engine/ops/elementwise.js";
import { linearOfPair } from "../../../engine/ops/linear.js";
import { mean, sum } from "../../../engine/ops/reduce.js";
import { expandDims, reshape } from "../../../engine/ops/shape.js";
import type { Random } from "../../../engine/tensor/random.js";
import { BatchNorm1d } from "../../../nn/batch-norm1d.js";
import { Conv1d } from "../../../nn/conv1d.js";
import type { ForwardPass } from "../../../nn/forward-pass.js";
import { Linear } from "../../../nn/linear.js";
import { Module } from "../../../nn/module.js";

/** Words [B, T, W], and which of them count, bool [B, T]; all where there is no mask. */
export interface Words {
  readonly words: Value;
  readonly mask?: Value | undefined;
}

export interface TextCompositorWidths {
  /** W, of a word. */
  readonly words: number;
  /** H, of the embeddings. */
  readonly head: number;
}

/**
 * What one level has for the text:
 *
 *   u = L BN(mean_l w_l)                                               what the level's image compositor is told
 *   k_l = K w_l,  h = G r + g,  a_l = σ(k_l · h)
 *   y_l = w_l + V (a_l · A [w_l ; r]),   p = L' BN'(mean_l y_l) + b'   the words changed by the picture r
 *
 * w [B, T, W], r [B, H] -> u, p [B, H]; means over the words that count. K, A, V are convolutions over one word, without bias.
 */
export class TextCompositor extends Module {
  readonly sentence_norm: BatchNorm1d;
  readonly sentence_fc: Linear;
  readonly img_fc: Linear;
  readonly key: Conv1d;
  readonly all: Conv1d;
  readonly value: Conv1d;
  readonly norm: BatchNorm1d;
  readonly fc: Linear;

  constructor({ words, head }: TextCompositorWidths, random: Random) {
    super();
    const oneWord = { kernel: 1, bias: false };
    this.sentence_norm = new BatchNorm1d(words);
    this.sentence_fc = new Linear(words, head, random);
    this.img_fc = new Linear(head, words, random);
    this.key = new Conv1d(words, words, random, oneWord);
    this.all = new Conv1d(words + head, words, random, oneWord);
    this.value = new Conv1d(words, words, random, oneWord);
    this.norm = new BatchNorm1d(words);
    this.fc = new Linear(words, head, random);
  }

  /** u */
  sentence(text: Words, pass: ForwardPass): Value {
    return this.sentence_fc.forward(this.sentence_norm.forward(meanOfWords(text), pass));
  }

  /** p */
  forward({ words, mask }: Words, picture: Value, pass: ForwardPass): Value {
    const h = expandDims(this.img_fc.forward(picture), 1); // [B, 1, W]
    const a = sigmoid(sum(multiply(this.key.forward(words), h), { axes: [2], keepDims: true })); // [B, T, 1]
    const [width, pairWidth] = [this.all.weight.dim(0), this.all.weight.dim(1)];
    const both = linearOfPair(words, picture, reshape(this.all.weight, [width, pairWidth])); // [B, T, W]
    const changed = add(words, this.value.forward(multiply(a, both)));
    const pooled = meanOfWords({ words: changed, mask });
    return this.fc.forward(this.norm.forward(pooled, pass));
  }
}

/** [B, T, W] -> [B, W] */
function meanOfWords({ words, mask }: Words): Value {
  if (!mask) return mean(words, { axes: [1] });
  const counts = expandDims(cast(mask, words.dtype), 2); // [B, T, 1]
  return divide(sum(multiply(words, counts), { axes: [1] }), sum(counts, { axes: [1] }));
}
