/** CLVC-Net's two branches: the text composed with each region, the picture with each word. */
import type { Parameter, Value } from "../../../engine/graph/value.js";
import { add, multiply } from "../../../engine/ops/arithmetic.js";
import { cast } from "../../../engine/ops/constant.js";
import { linear } from "../../../engine/ops/linear.js";
import { matmul } from "../../../engine/ops/matmul.js";
import { concat, expandDims, reshape, transpose, transposeLast } from "../../../engine/ops/shape.js";
import { softmax } from "../../../engine/ops/softmax.js";
import type { Random } from "../../../engine/tensor/random.js";
import { Conv2d } from "../../../nn/conv2d.js";
import type { ForwardPass } from "../../../nn/forward-pass.js";
import { generalisedMean } from "../../../nn/generalised-mean.js";
import { filled, parameter } from "../../../nn/initial-values.js";
import { Linear } from "../../../nn/linear.js";
import { Module } from "../../../nn/module.js";
import { regionsOfMap } from "../../region-map.js";
import type { TextFeatures } from "../../text-encoder.js";
import type { Grid } from "../../window-mean.js";
import { Inception, type InceptionForm, overMap, overWords } from "./inception.js";

/** F [B, N, C], its positions row by row. */
export interface PositionedMap extends Grid {
  readonly regions: Value;
}

/** What a branch makes of a query. */
export interface BranchOutput {
  /** [B, D] */
  readonly q: Value;
  /** Y: [B, N, C] of the local branch, [B, T, D] of the global one. */
  readonly composed: Value;
  /** A [B, T, N] */
  readonly attention: Value;
}

interface BranchSizes {
  /** C, channels of F. */
  readonly channels: number;
  /** D */
  readonly width: number;
}

/** Attention is softened by these, as in the authors' code. */
const temperatures = { local: 7, global: 4 } as const;
const exponentStart = 3;

/** The parameters that both branches have, and the target's side: t = H' GeM'(F of the target), F [B, N, C] -> [B, D]. */
abstract class Branch extends Module {
  readonly img_proj: Conv2d; // P, C -> D
  readonly gamma: Inception;
  readonly beta: Inception;
  readonly gem_p: Parameter; // [1]
  readonly fc: Linear; // H
  readonly target_gem_p: Parameter; // [1]
  readonly target_fc: Linear; // H'

  constructor(form: InceptionForm, outWidth: number, { channels, width }: BranchSizes, random: Random) {
    super();
    this.img_proj = new Conv2d(channels, width, random, { kernel: 1, bias: false });
    this.gamma = new Inception(form, 2 * width, outWidth, random);
    this.beta = new Inception(form, 2 * width, outWidth, random);
    this.gem_p = parameter([1], filled(exponentStart));
    this.fc = new Linear(outWidth, width, random);
    this.target_gem_p = parameter([1], filled(exponentStart));
    this.target_fc = new Linear(channels, width, random);
  }

  abstract compose(map: PositionedMap, text: TextFeatures, pass: ForwardPass): BranchOutput;

  embedTarget({ regions }: PositionedMap): Value {
    return this.target_fc.forward(generalisedMean(regions, this.target_gem_p));
  }

  /** V = P F: [B, N, D] */
  protected projected({ regions }: PositionedMap): Value {
    const { weight } = this.img_proj;
    return linear(regions, reshape(weight, [weight.dim(0), weight.dim(1)]));
  }
}

/**
 * The text composed with each region n:
 *
 *   V = P F,  A = softmax over the words of W · V / 7,  s_n = sum over l of A_ln · w_l
 *   z = [V ; s] as a map,  Y = Inc_γ(z) * F + Inc_β(z),  q = H GeM(Y)
 *
 * F [B, N, C], W [B, T, D] -> Y [B, N, C], q [B, D].
 * Choice: padding words take no part in the softmax; the authors mask nothing.
 */
export class LocalBranch extends Branch {
  constructor(sizes: BranchSizes, random: Random) {
    super(overMap, sizes.channels, sizes, random);
  }

  compose(map: PositionedMap, { words, mask }: TextFeatures, pass: ForwardPass): BranchOutput {
    const v = this.projected(map); // [B, N, D]
    const scores = multiply(matmul(words, transposeLast(v)), 1 / temperatures.local); // [B, T, N]
    const attention = softmax(scores, { axis: 1, mask: expandDims(mask, 2) });
    const ofWords = matmul(transposeLast(attention), words); // s [B, N, D]
    const z = mapOf(concat([v, ofWords], { axis: 2 }), map); // [B, 2D, h, w]
    const [gamma, beta] = [this.gamma.forward(z, pass), this.beta.forward(z, pass)];
    const composed = add(multiply(regionsOfMap(gamma).regions, map.regions), regionsOfMap(beta).regions);
    return { q: this.fc.forward(generalisedMean(composed, this.gem_p)), composed, attention };
  }
}

/**
 * The picture composed with each word l:
 *
 *   V = P F,  A = softmax over the regions of W · V / 4,  r_l = sum over n of A_ln · V_n
 *   z = [W ; r],  Y = Inc_γ(z) * r + Inc_β(z),  q = H GeM(Y)
 *
 * F [B, N, C], W [B, T, D] -> Y [B, T, D], q [B, D].
 * Choice: padding words are zeros in W and r, and take no part in GeM; batch norm counts all places.
 */
export class GlobalBranch extends Branch {
  constructor(sizes: BranchSizes, random: Random) {
    super(overWords, sizes.width, sizes, random);
  }

  compose(map: PositionedMap, { words, mask }: TextFeatures, pass: ForwardPass): BranchOutput {
    const v = this.projected(map); // [B, N, D]
    const isWord = expandDims(cast(mask, words.dtype), 2); // [B, T, 1]
    const w = multiply(words, isWord);
    const scores = multiply(matmul(w, transposeLast(v)), 1 / temperatures.global); // [B, T, N]
    const attention = softmax(scores, { axis: 2 });
    const ofRegions = multiply(matmul(attention, v), isWord); // r [B, T, D]
    const z = concat([w, ofRegions], { axis: 2 }); // [B, T, 2D]
    const composed = add(multiply(this.gamma.forward(z, pass), ofRegions), this.beta.forward(z, pass));
    return { q: this.fc.forward(generalisedMean(composed, this.gem_p, mask)), composed, attention };
  }
}

/** [B, N, C] -> [B, C, h, w] */
function mapOf(regions: Value, { rows, columns }: Grid): Value {
  const [batch = 0] = regions.shape;
  return reshape(transpose(regions, [0, 2, 1]), [batch, regions.dim(2), rows, columns]);
}
