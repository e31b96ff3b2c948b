/** MAAF: regions of several levels and words in one sequence that attends to itself. */
import { z } from "zod";
import type { Parameter, Value } from "../../engine/graph/value.js";
import { add, divide, maximum, multiply, subtract } from "../../engine/ops/arithmetic.js";
import { cast, full } from "../../engine/ops/constant.js";
import { relu, sqrt, square } from "../../engine/ops/elementwise.js";
import { matmul } from "../../engine/ops/matmul.js";
import { mean, sum } from "../../engine/ops/reduce.js";
import { repeatForBatch } from "../../engine/ops/repeat.js";
import { concat, expandDims, reshape, slice } from "../../engine/ops/shape.js";
import type { Random } from "../../engine/tensor/random.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { filled, parameter, xavierUniform } from "../../nn/initial-values.js";
import { Linear } from "../../nn/linear.js";
import { Module } from "../../nn/module.js";
import { ProjectedAttention } from "../../nn/projected-attention.js";
import { type Composition, CompositionModel, type TargetEmbedding } from "../composition-model.js";
import { encoderFields } from "../encoder-config.js";
import type { ImageFeatures } from "../image-encoder.js";
import { refusedHeads } from "../refused.js";
import type { TextFeatures } from "../text-encoder.js";
import { mapsOf } from "./three-levels.js";

export const maafSchema = z.strictObject({
  ...encoderFields,
  /** Choice. Stages of the backbone whose regions are tokens: the last two, or the last. */
  levels: z
    .array(z.int())
    .refine((levels) => ["3,4", "4"].includes(String(levels)), "must be [3, 4] or [4]")
    .default([3, 4]),
  /** Blocks of self-attention. */
  blocks: z.int().min(1).max(16).default(2),
  /** H, attention heads; embedDim must be a multiple. */
  heads: z.int().min(1).max(64).default(8),
  /** Width F of the feed-forward networks. */
  ffnWidth: z.int().min(1).max(65536).default(128),
  /** Of attention weights, after attention, and inside and after the feed-forward network. */
  dropout: z.number().min(0).lt(1).default(0.1),
  /** Choice. One learned scale, from where the authors' two norms of 4 start together. */
  initialScale: encoderFields.initialScale.default(16),
});

/** A complete configuration. */
export type MaafConfig = z.output<typeof maafSchema>;

export function refusedMaaf(config: Partial<MaafConfig>): readonly string[] {
  const problems = [...refusedHeads(config)];
  if (config.embedDim === 1) {
    problems.push("embedDim: must be 2 or more, the norm divides by embedDim - 1; got embedDim 1");
  }
  return problems;
}

/** Added to the deviation, not to the variance. */
const epsilon = 1e-6;
/** Least variance that a root is taken of: at 0, as padding has it, the gradient of the root is infinite. */
const leastVariance = 1e-24;

/** y = w * (x - mean) / (deviation + 1e-6) + b over the last axis, the deviation with D - 1. x [..., D] -> y [..., D]. */
class DeviationNorm extends Module {
  readonly weight: Parameter; // w [D]
  readonly bias: Parameter; // b [D]

  constructor(width: number) {
    super();
    this.weight = parameter([width], filled(1));
    this.bias = parameter([width], filled(0));
  }

  forward(x: Value): Value {
    const last = { axes: [-1], keepDims: true };
    const centred = subtract(x, mean(x, last));
    const variance = divide(sum(square(centred), last), x.dim(-1) - 1);
    const deviation = sqrt(maximum(variance, leastVariance));
    return add(multiply(divide(centred, add(deviation, epsilon)), this.weight), this.bias);
  }
}

/**
 * a = z + dropout(MHA(n1(z))),  y = a + dropout(W₂ · dropout(ReLU(W₁ · n2(a)))).
 * z [B, S, D] -> y [B, S, D]; W₁ D -> F, W₂ F -> D. Matrices start Xavier uniform.
 */
class MaafBlock extends Module {
  readonly norm1: DeviationNorm;
  readonly attention: ProjectedAttention;
  readonly norm2: DeviationNorm;
  readonly ffn1: Linear;
  readonly ffn2: Linear;
  readonly #dropout: number;

  constructor({ embedDim, heads, ffnWidth, dropout }: MaafConfig, random: Random) {
    super();
    const initial = xavierUniform(random);
    this.norm1 = new DeviationNorm(embedDim);
    this.attention = new ProjectedAttention(embedDim, random, { heads, dropout, initial });
    this.norm2 = new DeviationNorm(embedDim);
    this.ffn1 = new Linear(embedDim, ffnWidth, random, { initial });
    this.ffn2 = new Linear(ffnWidth, embedDim, random, { initial });
    this.#dropout = dropout;
  }

  forward(z: Value, pass: ForwardPass, keyMask: Value | undefined): Value {
    const drop = (value: Value) => pass.dropout(value, this.#dropout);
    const normed = this.norm1.forward(z);
    const inputs = { query: normed, key: normed, value: normed };
    const a = add(z, drop(this.attention.forward(inputs, pass, { keyMask })));
    const hidden = drop(relu(this.ffn1.forward(this.norm2.forward(a))));
    return add(a, drop(this.ffn2.forward(hidden)));
  }
}

/**
 * Modality-agnostic attention fusion (Dodds et al., arXiv 2007.00145; authors' code yahoo/maaf at 911860c, sizes of their
 * FashionIQ run at 49a0df9):
 *
 *   z_0 = [X_3 ; X_4 ; W],   z_l = block_l(z_(l-1)),   z = n(z_L)        padding words are no keys
 *   q = (I + Y) / 2,   I = mean over levels of the mean of the level's z,   Y = mean of the words' z
 *   t = I of the same blocks on [X_3 ; X_4] alone
 *
 * X_l [B, N_l, D], W [B, T, D] -> q, t [B, D]. There are no positions and no types. What finds a picture runs the blocks too.
 * Choice: layer3 has a projection as X has; no ReLU behind either, and no linear layer on the words.
 */
export class Maaf extends CompositionModel {
  readonly blocks: readonly MaafBlock[];
  readonly norm: DeviationNorm;

  constructor(config: MaafConfig, vocabularySize: number, random: Random) {
    const lower = config.levels.includes(3) ? [{ name: "layer3", isProjected: true }] : [];
    super(config, vocabularySize, random, { levels: lower });
    this.blocks = Array.from({ length: config.blocks }, () => new MaafBlock(config, random));
    this.norm = new DeviationNorm(config.embedDim);
  }

  compose(reference: ImageFeatures, { words, mask }: TextFeatures, pass: ForwardPass): Composition {
    const maps = mapsOf(reference);
    const ofRegions = (isThere: 0 | 1) => repeatForBatch(full([lengthOf(maps)], isThere, "bool"), words); // [B, N]
    const keyMask = concat([ofRegions(1), mask], { axis: 1 }); // [B, S]
    const z = this.#attended(concat([...maps, words], { axis: 1 }), pass, keyMask); // [B, S, D]
    const isWord = cast(concat([ofRegions(0), mask], { axis: 1 }), "float32");
    const weights = divide(isWord, sum(isWord, { axes: [1], keepDims: true })); // [B, S]
    const ofWords = matmul(expandDims(weights, 1), z); // [B, 1, D]
    const y = reshape(ofWords, [words.shape[0] ?? 0, words.dim(2)]);
    return { q: multiply(add(meanOfLevels(z, maps), y), 0.5) };
  }

  override embedTarget(features: ImageFeatures, pass: ForwardPass): TargetEmbedding {
    const maps = mapsOf(features);
    return { embedding: meanOfLevels(this.#attended(concat(maps, { axis: 1 }), pass), maps) };
  }

  #attended(tokens: Value, pass: ForwardPass, keyMask?: Value): Value {
    return this.norm.forward(this.blocks.reduce((z, block) => block.forward(z, pass, keyMask), tokens));
  }
}

function lengthOf(maps: readonly Value[]): number {
  return maps.reduce((length, map) => length + map.dim(1), 0);
}

/** I, so that every level weighs the same: z [B, S, D], which begins with the levels' regions, -> [B, D]. */
function meanOfLevels(z: Value, maps: readonly Value[]): Value {
  const means = maps.map((map, i) => {
    const start = lengthOf(maps.slice(0, i));
    return mean(slice(z, { axis: 1, start, end: start + map.dim(1) }), { axes: [1] });
  });
  return divide(
    means.reduce((total, level) => add(total, level)),
    maps.length,
  );
}
