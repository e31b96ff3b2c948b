/** The door for tokenisers: texts as the numbers that a text encoder reads. */

/** A text as numbers. */
export interface EncodedText {
  /** As many as were asked for; padding from `length` on. */
  readonly tokens: readonly number[];
  /** Tokens that count; at least 1. */
  readonly length: number;
}

export interface Tokeniser {
  /** Number of different tokens: the rows of a table of token vectors. */
  readonly size: number;
  /** A text as `maxTokens` tokens; what follows is cut off. */
  encode(text: string, maxTokens: number): EncodedText;
  /** What each token of a text stands for, in order, before anything is cut off. */
  piecesOf(text: string): readonly string[];
  /** Words of a text that the encoder knows nothing of, as they are written there, each once. */
  unknownWords(text: string): readonly string[];
}
