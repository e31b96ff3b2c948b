/** What VAL does at one level: gates of channels and places, and self-attention, of picture and text together. */
import type { Parameter, Value } from "../../../engine/graph/value.js";
import { add, multiply } from "../../../engine/ops/arithmetic.js";
import { conv2d } from "../../../engine/ops/conv.js";
import { relu, sigmoid } from "../../../engine/ops/elementwise.js";
import { mean } from "../../../engine/ops/reduce.js";
import { concat, expandDims, pad, reshape, slice } from "../../../engine/ops/shape.js";
import type { Random } from "../../../engine/tensor/random.js";
import { ShapeError } from "../../../errors.js";
import { BatchNorm1d } from "../../../nn/batch-norm1d.js";
import { BatchNorm2d } from "../../../nn/batch-norm2d.js";
import type { ForwardPass } from "../../../nn/forward-pass.js";
import { filled, parameter, truncatedNormal, xavierUniform } from "../../../nn/initial-values.js";
import { Linear } from "../../../nn/linear.js";
import { Module } from "../../../nn/module.js";
import { ProjectedAttention } from "../../../nn/projected-attention.js";

/** What a level's parameters are shaped by. */
export interface ValLevelSize {
  /** C, channels of the map. */
  readonly width: number;
  readonly rows: number;
  readonly columns: number;
}

export interface ValOptions {
  readonly heads: number;
  /** Of the sentence, and of attention weights. */
  readonly dropout: number;
}

/**
 * One level of VAL:
 *
 *   v = CBR([x ; e])                                       e repeated over the positions
 *   c = CBR(mean over positions of v)                      channel gate
 *   p = ReLU(BN(K * mean over channels of v))              spatial gate, a convolution with a kernel of the map's own size
 *   a = CBR([A_1 ; A_2]),  A_i = attention of the i-th part of v's channels to itself
 *   y = w_j · σ(c) · σ(p) · x + w_s · a                    w_j, w_s learned, from 1 and 0
 *
 * x [B, N, C], e [B, E] -> y [B, N, C]; v, a [B, N, C]; c [B, C]; p [B, N]; CBR is a linear layer without bias, batch norm, ReLU.
 * As long as w_s is 0 the parameters of attention get no gradient, as in the authors' code.
 */
export class ValLevel extends Module {
  readonly fuse: Linear;
  readonly fuse_norm: BatchNorm1d;
  readonly channel: Linear;
  readonly channel_norm: BatchNorm1d;
  readonly spatial: MapKernel;
  readonly spatial_norm: BatchNorm2d;
  readonly heads: readonly ProjectedAttention[];
  readonly out: Linear;
  readonly out_norm: BatchNorm1d;
  readonly joint_weight: Parameter;
  readonly self_weight: Parameter;

  constructor({ width, ...grid }: ValLevelSize, textWidth: number, random: Random, options: ValOptions) {
    super();
    const { heads, dropout } = options;
    this.fuse = convolution(width + textWidth, width, random);
    this.fuse_norm = new BatchNorm1d(width);
    this.channel = convolution(width, width, random);
    this.channel_norm = new BatchNorm1d(width);
    this.spatial = new MapKernel(grid, random);
    this.spatial_norm = new BatchNorm2d(1);
    this.heads = Array.from({ length: heads }, () => {
      const initial = xavierUniform(random);
      return new ProjectedAttention(width / heads, random, {
        heads: 1,
        bias: false,
        hasOut: false,
        dropout,
        initial,
      });
    });
    this.out = convolution(width, width, random);
    this.out_norm = new BatchNorm1d(width);
    this.joint_weight = parameter([], filled(1));
    this.self_weight = parameter([], filled(0));
  }

  forward(x: Value, e: Value, pass: ForwardPass): Value {
    const v = relu(this.fuse_norm.forward(this.fuse.forwardPair(x, e), pass)); // [B, N, C]
    const joint = multiply(expandDims(this.#channelGate(v, pass), 1), this.#spatialGate(v, pass));
    const kept = multiply(multiply(joint, x), this.joint_weight);
    return add(kept, multiply(this.#selfAttended(v, pass), this.self_weight));
  }

  /** σ(c): [B, C] */
  #channelGate(v: Value, pass: ForwardPass): Value {
    const pooled = this.channel.forward(mean(v, { axes: [1] }));
    return sigmoid(relu(this.channel_norm.forward(pooled, pass)));
  }

  /** σ(p): [B, N, 1] */
  #spatialGate(v: Value, pass: ForwardPass): Value {
    const [batch = 0, length = 0] = v.shape;
    const seen = this.spatial.forward(mean(v, { axes: [2] })); // [B, 1, h, w]
    const p = relu(this.spatial_norm.forward(seen, pass));
    return sigmoid(reshape(p, [batch, length, 1]));
  }

  /** a: [B, N, C] */
  #selfAttended(v: Value, pass: ForwardPass): Value {
    const width = v.dim(2) / this.heads.length;
    const attended = this.heads.map((head, i) => {
      const part = slice(v, { axis: 2, start: i * width, end: (i + 1) * width });
      return head.forward({ query: part, key: part, value: part }, pass);
    });
    return relu(this.out_norm.forward(this.out.forward(concat(attended, { axis: 2 })), pass));
  }
}

/**
 * A convolution 1 -> 1 whose kernel is as large as the map, zeros around it as TensorFlow's SAME puts them:
 * out[y, x] = sum over a, b of K[a, b] · m[y + a - floor((h - 1) / 2), x + b - floor((w - 1) / 2)].
 * m [B, h · w] -> [B, 1, h, w].
 * @throws ShapeError for a map of another size.
 */
export class MapKernel extends Module {
  readonly weight: Parameter; // K [h, w]

  constructor({ rows, columns }: Pick<ValLevelSize, "rows" | "columns">, random: Random) {
    super();
    this.weight = parameter([rows, columns], heNormal(random, rows * columns));
  }

  forward(m: Value): Value {
    const [rows, columns] = [this.weight.dim(0), this.weight.dim(1)];
    const [batch = 0] = m.shape;
    if (m.dim(1) !== rows * columns) {
      throw new ShapeError(
        "val",
        `the spatial kernel is of ${rows}x${columns} positions, as maps of the run's pictures (imagePx) are; give pictures of that size, or train with theirs`,
        { map: m },
      );
    }
    const padded = [rows, columns].reduce(
      (map, length, i) => {
        const before = Math.floor((length - 1) / 2);
        return pad(map, { axis: 2 + i, before, after: length - 1 - before });
      },
      reshape(m, [batch, 1, rows, columns]),
    );
    return conv2d(padded, reshape(this.weight, [1, 1, rows, columns]));
  }
}

/** A 1x1 convolution, as a linear layer for each position. */
function convolution(inWidth: number, outWidth: number, random: Random): Linear {
  return new Linear(inWidth, outWidth, random, { bias: false, initial: heNormal(random, inWidth) });
}

/** Variance 2 / fanIn, truncated. */
function heNormal(random: Random, fanIn: number) {
  return truncatedNormal(random, Math.sqrt(2 / fanIn));
}
