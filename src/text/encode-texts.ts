/** Texts as the tensors that graphs take. */
import { type Tensor, tensor } from "../engine/tensor/tensor.js";
import type { Tokeniser } from "./tokeniser.js";

/** Texts as numbers. */
export interface TextTensors {
  /** [B, T], T = maxWords; padded with 0. */
  readonly tokens: Tensor<"int64">;
  /** [B], 1 to T. */
  readonly lengths: Tensor<"int64">;
}

/** Texts as `maxWords` tokens each. */
export function encodeTexts(vocabulary: Tokeniser, texts: readonly string[], maxWords: number): TextTensors {
  const tokens = new BigInt64Array(texts.length * maxWords);
  const lengths = new BigInt64Array(texts.length);
  for (const [i, text] of texts.entries()) {
    const encoded = vocabulary.encode(text, maxWords);
    tokens.set(encoded.tokens.map(BigInt), i * maxWords);
    lengths[i] = BigInt(encoded.length);
  }
  return {
    tokens: tensor("int64", [texts.length, maxWords], tokens),
    lengths: tensor("int64", [texts.length], lengths),
  };
}
