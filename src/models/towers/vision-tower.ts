/** The image tower of a pretrained model: CLIP, SigLIP, DINOv2. */
import type { Parameter, Value } from "../../engine/graph/value.js";
import { add } from "../../engine/ops/arithmetic.js";
import { repeatForBatch } from "../../engine/ops/repeat.js";
import { concat, expandDims, reshape, slice, transpose } from "../../engine/ops/shape.js";
import type { Random } from "../../engine/tensor/random.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { type InitialValues, normal, parameter } from "../../nn/initial-values.js";
import { LayerNorm } from "../../nn/layer-norm.js";
import { Linear } from "../../nn/linear.js";
import { Module } from "../../nn/module.js";
import { AttentionPool } from "./attention-pool.js";
import { type Grid, resizePositions } from "./position-table.js";
import { patchesAlong, type VisionConfig } from "./tower-config.js";
import { statesOfBlocks, TransformerBlock } from "./transformer-block.js";

/** What an image tower gives of pictures; what nothing depends on is not computed. */
export interface TowerPictures extends Grid {
  /** Before the first block, and after each: [B, tokens, C]; class token first, then registers, then patches. */
  readonly states: readonly Value[];
  /** The authors' last_hidden_state [B, tokens, C]. */
  readonly tokens: Value;
  /** Patches after the last norm, row by row: [B, rows · columns, C]. */
  readonly regions: Value;
  /** [B, C] */
  readonly pooled: Value;
  /** The picture's vector, not of unit length: [B, P], or `pooled` without a projection. */
  readonly embedding: Value;
}

/**
 * Patches through a layer, class and register tokens before them, positions, blocks; the pooled vector is the class token's
 * or that of an attention over the patches. Names are the project's own: `tensor-names.ts` has the files'.
 */
export class VisionTower extends Module {
  readonly patch_embedding: Linear; // [C, 3 · p · p]: channel, row, column
  readonly class_embedding: Parameter | undefined; // [C]
  readonly register_tokens: Parameter | undefined; // [R, C]
  readonly position_embedding: Parameter; // [N (+ 1), C], the class token's first
  readonly pre_norm: LayerNorm | undefined;
  readonly blocks: readonly TransformerBlock[];
  readonly norm: LayerNorm;
  readonly head: AttentionPool | undefined;
  readonly projection: Linear | undefined;
  readonly #config: VisionConfig;

  /** @param initial of tables and weights; small random numbers by default. */
  constructor(config: VisionConfig, random: Random, initial: InitialValues = normal(random, 0.02)) {
    super();
    const { width: C, patchPx, epsilon, registerCount, projectionDim } = config;
    const places = patchesAlong(config, config.imagePx) ** 2 + (config.hasClassToken ? 1 : 0);
    this.patch_embedding = new Linear(3 * patchPx ** 2, C, random, { bias: config.hasPatchBias, initial });
    this.class_embedding = config.hasClassToken ? parameter([C], initial) : undefined;
    this.register_tokens = registerCount > 0 ? parameter([registerCount, C], initial) : undefined;
    this.position_embedding = parameter([places, C], initial);
    this.pre_norm = config.hasPreNorm ? new LayerNorm(C, { epsilon }) : undefined;
    this.blocks = Array.from({ length: config.layers }, () => new TransformerBlock(config, random, initial));
    this.norm = new LayerNorm(C, { epsilon });
    this.head = config.pooling === "attention" ? new AttentionPool(config, random, initial) : undefined;
    this.projection =
      projectionDim === undefined
        ? undefined
        : new Linear(C, projectionDim, random, { bias: false, initial });
    this.#config = config;
  }

  /** pixels [B, 3, H, W], normalised as the tower's folder says; H and W numbers. */
  forward(pixels: Value, pass: ForwardPass): TowerPictures {
    const grid = {
      rows: patchesAlong(this.#config, pixels.dim(2)),
      columns: patchesAlong(this.#config, pixels.dim(3)),
    };
    const embedded = this.#embed(pixels, grid);
    const states = statesOfBlocks(this.blocks, this.pre_norm?.forward(embedded) ?? embedded, pass);
    const last = states.at(-1) ?? states[0];
    const normed = this.norm.forward(last);
    const tokens = this.#config.areTokensNormed ? normed : last;
    const before = last.dim(1) - grid.rows * grid.columns;
    const regions = before === 0 ? normed : slice(normed, { axis: 1, start: before, end: last.dim(1) });
    const pooled = this.head ? this.head.forward(normed, pass) : this.#classToken(last);
    const embedding = this.projection?.forward(pooled) ?? pooled;
    return { ...grid, states, tokens, regions, pooled, embedding };
  }

  /** [B, 3, H, W] -> [B, tokens, C] */
  #embed(pixels: Value, grid: Grid): Value {
    const patches = this.patch_embedding.forward(cutPatches(pixels, this.#config.patchPx, grid));
    const side = patchesAlong(this.#config, this.#config.imagePx);
    const resize = { from: { rows: side, columns: side }, to: grid, kind: this.#config.positions };
    if (!this.class_embedding) return add(patches, resizePositions(this.position_embedding, resize));
    const count = this.position_embedding.dim(0);
    const ofClass = slice(this.position_embedding, { axis: 0, start: 0, end: 1 });
    const ofPatches = slice(this.position_embedding, { axis: 0, start: 1, end: count });
    const first = add(expandDims(this.class_embedding, 0), ofClass); // [1, C]
    // Registers have no position.
    const leading = this.register_tokens ? concat([first, this.register_tokens], { axis: 0 }) : first;
    const placed = add(patches, resizePositions(ofPatches, resize));
    return concat([repeatForBatch(leading, pixels), placed], { axis: 1 });
  }

  /** The norm is of each token alone, so only the class token needs it. [B, tokens, C] -> [B, C] */
  #classToken(last: Value): Value {
    const token = slice(last, { axis: 1, start: 0, end: 1 });
    return this.norm.forward(reshape(token, [last.shape[0] ?? 1, last.dim(2)]));
  }
}

/** [B, 3, H, W] -> [B, rows · columns, 3 · p · p]; rows and columns beyond the last whole patch are dropped. */
function cutPatches(pixels: Value, p: number, { rows, columns }: Grid): Value {
  const batch = pixels.shape[0] ?? 1;
  const whole = firstOf(firstOf(pixels, 2, rows * p), 3, columns * p);
  const cut = reshape(whole, [batch, 3, rows, p, columns, p]);
  return reshape(transpose(cut, [0, 2, 4, 1, 3, 5]), [batch, rows * columns, 3 * p * p]);
}

/** The first `length` along an axis; a slice of all of it would copy the picture. */
function firstOf(x: Value, axis: number, length: number): Value {
  return x.dim(axis) === length ? x : slice(x, { axis, start: 0, end: length });
}
