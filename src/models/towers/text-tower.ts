/** The text tower of a pretrained model: CLIP, SigLIP. */
import type { Parameter, Value } from "../../engine/graph/value.js";
import { add, multiply, subtract } from "../../engine/ops/arithmetic.js";
import { equal, less } from "../../engine/ops/comparison.js";
import { cast, constant, positions } from "../../engine/ops/constant.js";
import { gather } from "../../engine/ops/gather.js";
import { sum } from "../../engine/ops/reduce.js";
import { expandDims, reshape, slice } from "../../engine/ops/shape.js";
import type { Random } from "../../engine/tensor/random.js";
import { int64 } from "../../engine/tensor/tensor.js";
import { ShapeError } from "../../errors.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { type InitialValues, normal, parameter } from "../../nn/initial-values.js";
import { LayerNorm } from "../../nn/layer-norm.js";
import { Linear } from "../../nn/linear.js";
import { Module } from "../../nn/module.js";
import type { TextConfig } from "./tower-config.js";
import { statesOfBlocks, TransformerBlock } from "./transformer-block.js";

/** What a text tower gives of texts. */
export interface TowerTexts {
  /** Before the first block, and after each: [B, T, C]. */
  readonly states: readonly Value[];
  /** The authors' last_hidden_state [B, T, C], after the last norm. */
  readonly words: Value;
  /** bool [B, T], true = word, up to the end token; CLIP's start token, the same in every text, is none. */
  readonly mask: Value;
  /** [B, C] */
  readonly pooled: Value;
  /** The text's vector, not of unit length: [B, P], or `pooled` without a projection. */
  readonly embedding: Value;
}

/** tokens int64 [B, T]; lengths int64 [B], places up to the end token. */
export interface TowerTokens {
  readonly tokens: Value;
  readonly lengths: Value;
  /** bool [B, T], true = may be attended to; everything by default, as the towers were trained. */
  readonly keyMask?: Value | undefined;
}

/**
 * Tokens and positions from two tables, blocks, a norm; the pooled vector is that of the end token (CLIP, which sees only
 * what stands before a place, so that padding does not matter) or of the last place (SigLIP, which sees padding as a word,
 * so that T must be the table's whole length).
 */
export class TextTower extends Module {
  readonly token_embedding: Parameter; // [V, C]
  readonly position_embedding: Parameter; // [T, C]
  readonly blocks: readonly TransformerBlock[];
  readonly norm: LayerNorm;
  readonly projection: Linear | undefined;
  readonly #config: TextConfig;

  /** @param initial of tables and weights; small random numbers by default. */
  constructor(config: TextConfig, random: Random, initial: InitialValues = normal(random, 0.02)) {
    super();
    const { width: C, epsilon, layers, projectionDim, hasProjectionBias: bias } = config;
    this.token_embedding = parameter([config.vocabularySize, C], initial);
    this.position_embedding = parameter([config.maxTokens, C], initial);
    this.blocks = Array.from({ length: layers }, () => new TransformerBlock(config, random, initial));
    this.norm = new LayerNorm(C, { epsilon });
    this.projection =
      projectionDim === undefined ? undefined : new Linear(C, projectionDim, random, { bias, initial });
    this.#config = config;
  }

  /** @throws ShapeError when T is more than the table has, or, where padding is read too, less. */
  forward({ tokens, lengths, keyMask }: TowerTokens, pass: ForwardPass): TowerTexts {
    const { maxTokens, isCausal, pooling } = this.#config;
    const T = tokens.dim(1);
    if (T > maxTokens || (pooling === "last" && T < maxTokens)) {
      const most = pooling === "last" ? "exactly" : "at most";
      throw new ShapeError("TextTower", `texts must have ${most} ${maxTokens} places`, { tokens });
    }
    const places = slice(this.position_embedding, { axis: 0, start: 0, end: T });
    const embedded = add(gather(this.token_embedding, tokens), places);
    const states = statesOfBlocks(this.blocks, embedded, pass, { isCausal, keyMask });
    const words = this.norm.forward(states.at(-1) ?? embedded);
    const pooled = pooling === "end" ? rowAt(words, lengths) : lastRow(words);
    const mask = less(constant(int64([1, T], wordPlaces(T, isCausal))), expandDims(lengths, 1));
    return { states, words, mask, pooled, embedding: this.projection?.forward(pooled) ?? pooled };
  }
}

/** 0, 1, 2, ...; the place of a start token is behind every end. */
function wordPlaces(count: number, hasStart: boolean): number[] {
  return Array.from({ length: count }, (_, i) => (i === 0 && hasStart ? count : i));
}

/** The row at the end of each text. words [B, T, C], lengths [B] -> [B, C] */
function rowAt(words: Value, lengths: Value): Value {
  const end = subtract(lengths, constant(int64([], [1])));
  const isEnd = equal(expandDims(positions(words, 1), 0), expandDims(end, 1)); // [B, T]
  return sum(multiply(words, expandDims(cast(isEnd, words.dtype), 2)), { axes: [1] });
}

/** [B, T, C] -> [B, C] */
function lastRow(words: Value): Value {
  const row = slice(words, { axis: 1, start: words.dim(1) - 1, end: words.dim(1) });
  return reshape(row, [words.shape[0] ?? 1, words.dim(2)]);
}
