/** CLVC-Net's affine maps: four branches of convolutions side by side. */
import type { Value } from "../../../engine/graph/value.js";
import { add, divide } from "../../../engine/ops/arithmetic.js";
import { relu } from "../../../engine/ops/elementwise.js";
import { matmul } from "../../../engine/ops/matmul.js";
import { sum } from "../../../engine/ops/reduce.js";
import { concat } from "../../../engine/ops/shape.js";
import type { Random } from "../../../engine/tensor/random.js";
import { BatchNorm1d } from "../../../nn/batch-norm1d.js";
import { BatchNorm2d } from "../../../nn/batch-norm2d.js";
import { Conv1d, shiftMatrix } from "../../../nn/conv1d.js";
import { Conv2d } from "../../../nn/conv2d.js";
import type { ForwardPass } from "../../../nn/forward-pass.js";
import { Module } from "../../../nn/module.js";
import { windowMeanOfMap } from "../../window-mean.js";

/** Widths of the branches for the width of their output. */
interface BranchWidths {
  readonly b0: number;
  readonly b1: readonly [number, number];
  readonly b2: readonly [number, number, number];
  readonly b3: number;
}

/** What differs between maps and words. */
export interface InceptionForm {
  /** Where channels stand. */
  readonly axis: number;
  widths(outWidth: number): BranchWidths;
  /** A convolution without bias of 1 or 3 places, and its batch norm. */
  layer(inWidth: number, outWidth: number, kernel: 1 | 3, random: Random): Pick<ConvNorm, "conv" | "bn">;
  /** Mean over a window of 3 places, of those that exist. */
  windowMean(x: Value): Value;
}

/** Maps [B, C, h, w]: 3x3 convolutions. */
export const overMap: InceptionForm = {
  axis: 1,
  widths: (width) => ({
    b0: (5 * width) / 16,
    b1: [width / 4, width / 4],
    b2: [width / 4, Math.floor((7 * width) / 64), width / 4],
    b3: (3 * width) / 16,
  }),
  layer: (inWidth, outWidth, kernel, random) => ({
    conv: new Conv2d(inWidth, outWidth, random, { kernel, padding: (kernel - 1) / 2, bias: false }),
    bn: new BatchNorm2d(outWidth),
  }),
  windowMean: (x) => windowMeanOfMap(x, { size: 3, stride: 1, before: 1 }),
};

/** Words [B, T, C]: convolutions over three words. */
export const overWords: InceptionForm = {
  axis: 2,
  widths: (width) => ({
    b0: (3 * width) / 8,
    b1: [width / 2, width / 4],
    b2: [width / 2, Math.floor((7 * width) / 32), width / 4],
    b3: width / 8,
  }),
  layer: (inWidth, outWidth, kernel, random) => ({
    conv: new Conv1d(inWidth, outWidth, random, { kernel, before: (kernel - 1) / 2, bias: false }),
    bn: new BatchNorm1d(outWidth),
  }),
  windowMean(x) {
    const inWindow = [0, 1].map((by) => shiftMatrix(x, by)).reduce(add, shiftMatrix(x, -1)); // [T, T]
    return divide(matmul(inWindow, x), sum(inWindow, { axes: [1], keepDims: true }));
  },
};

/** ReLU(BN(conv(x))) */
class ConvNorm extends Module {
  readonly conv: Conv1d | Conv2d;
  readonly bn: BatchNorm1d | BatchNorm2d;

  constructor({ conv, bn }: Pick<ConvNorm, "conv" | "bn">) {
    super();
    this.conv = conv;
    this.bn = bn;
  }

  forward(x: Value, pass: ForwardPass): Value {
    return relu(this.bn.forward(this.conv.forward(x), pass));
  }
}

/**
 * Inc(z) = [b0 ; b1 ; b2 ; b3], every convolution behind batch norm and ReLU:
 *
 *   b0: 1 place    b1: 1, then 3 places    b2: 1, 3, 3 places    b3: mean over a window of 3 places, then 1
 *
 * z of inWidth channels -> outWidth, which must divide by 16 over a map, by 8 over words.
 */
export class Inception extends Module {
  readonly b0: ConvNorm;
  readonly b1: readonly ConvNorm[];
  readonly b2: readonly ConvNorm[];
  readonly b3: ConvNorm;
  readonly #form: InceptionForm;

  constructor(form: InceptionForm, inWidth: number, outWidth: number, random: Random) {
    super();
    const { b0, b1, b2, b3 } = form.widths(outWidth);
    const layer = (from: number, to: number, kernel: 1 | 3) =>
      new ConvNorm(form.layer(from, to, kernel, random));
    this.b0 = layer(inWidth, b0, 1);
    this.b1 = [layer(inWidth, b1[0], 1), layer(b1[0], b1[1], 3)];
    this.b2 = [layer(inWidth, b2[0], 1), layer(b2[0], b2[1], 3), layer(b2[1], b2[2], 3)];
    this.b3 = layer(inWidth, b3, 1);
    this.#form = form;
  }

  forward(z: Value, pass: ForwardPass): Value {
    const chain = (layers: readonly ConvNorm[]) => layers.reduce((x, layer) => layer.forward(x, pass), z);
    const ofMean = this.b3.forward(this.#form.windowMean(z), pass);
    const branches = [this.b0.forward(z, pass), chain(this.b1), chain(this.b2), ofMean];
    return concat(branches, { axis: this.#form.axis });
  }
}
