/** Word vectors and an LSTM, as the paper reads texts (section 2.1). */
import type { Parameter, Value } from "../../engine/graph/value.js";
import { multiply } from "../../engine/ops/arithmetic.js";
import { where } from "../../engine/ops/comparison.js";
import { cast, scalarLike } from "../../engine/ops/constant.js";
import { max } from "../../engine/ops/reduce.js";
import { expandDims } from "../../engine/ops/shape.js";
import type { Random } from "../../engine/tensor/random.js";
import { Embedding } from "../../nn/embedding.js";
import { LayerNorm } from "../../nn/layer-norm.js";
import { Lstm } from "../../nn/lstm.js";
import type { EncoderConfig } from "../encoder-config.js";
import { TextEncoder, type TextFeatures, wordMask } from "../text-encoder.js";

/** Below every feature: where padding stands in a maximum. */
const lowest = -3e38;

/**
 * W = LSTM(word vectors of the tokens), s = max over the valid words of W.
 * tokens int64 [B, T] (0 = padding, which comes last), lengths int64 [B], each at least 1.
 * `textNorm: "layer"` puts a layer norm on W, before the maximum.
 */
export class LstmTextEncoder extends TextEncoder {
  readonly embedding: Embedding;
  readonly lstm: Lstm;
  readonly norm: LayerNorm | undefined;

  constructor({ wordDim, embedDim, textNorm }: EncoderConfig, vocabularySize: number, random: Random) {
    super();
    this.embedding = new Embedding(vocabularySize, wordDim, random);
    this.embedding.setRateGroup("words");
    this.lstm = new Lstm(wordDim, embedDim, random);
    this.norm = textNorm === "layer" ? new LayerNorm(embedDim) : undefined;
  }

  get wordVectors(): Parameter {
    return this.embedding.weight;
  }

  forward(tokens: Value, lengths: Value): TextFeatures {
    const mask = wordMask(lengths, tokens); // [B, T]
    const isWord = expandDims(mask, 2); // [B, T, 1]
    const vectors = this.embedding.forward(tokens); // [B, T, wordDim]
    const states = this.lstm.forward(vectors, mask); // [B, T, D]
    const words = this.norm ? multiply(this.norm.forward(states), cast(isWord, "float32")) : states;
    const sentence = max(where(isWord, words, scalarLike(words, lowest)), { axes: [1] });
    return { words, sentence, mask, vectors };
  }
}
