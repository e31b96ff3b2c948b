/** The door for text networks: words -> word features and a sentence vector (section 2.1). */
import type { Parameter, Value } from "../engine/graph/value.js";
import { less } from "../engine/ops/comparison.js";
import { positions } from "../engine/ops/constant.js";
import { expandDims } from "../engine/ops/shape.js";
import { Module } from "../nn/module.js";

/** What the text encoder gives for each text. */
export interface TextFeatures {
  /** W [B, T, D], zero at padding. */
  readonly words: Value;
  /** s [B, D] */
  readonly sentence: Value;
  /** bool [B, T], true = word, false = padding. */
  readonly mask: Value;
  /** Word vectors before any network [B, T, wordDim], of an encoder that has them. */
  readonly vectors?: Value | undefined;
}

/** A network that reads tokens, which a `Tokeniser` makes of texts. */
export abstract class TextEncoder extends Module {
  /** tokens int64 [B, T] (padding comes last), lengths int64 [B], each at least 1. */
  abstract forward(tokens: Value, lengths: Value): TextFeatures;

  /** Its table of word vectors [tokens, wordDim], which published vectors can be put into; undefined without one. */
  abstract get wordVectors(): Parameter | undefined;
}

/** true for the first lengths[b] places of tokens, or of anything [B, T]. lengths int64 [B] -> bool [B, T]. */
export function wordMask(lengths: Value, tokens: Value): Value {
  return less(expandDims(positions(tokens, 1), 0), expandDims(lengths, 1));
}
