import { describe, it } from "vitest";
import type { Value } from "../../src/engine/graph/value.js";
import { cast, constant } from "../../src/engine/ops/constant.js";
import { dropout } from "../../src/engine/ops/dropout.js";
import { lstm } from "../../src/engine/ops/lstm.js";
import { matmul } from "../../src/engine/ops/matmul.js";
import {
  batchNormInference,
  batchNormTraining,
  l2Normalise,
  layerNorm,
} from "../../src/engine/ops/normalisation.js";
import { maxPool2d } from "../../src/engine/ops/pool.js";
import { type WindowOptions, windowMean } from "../../src/models/window-mean.js";
import { shiftMatrix } from "../../src/nn/conv1d.js";
import { generalisedMean } from "../../src/nn/generalised-mean.js";
import { checkGradient } from "./check-gradient.js";

describe("gradients of normalisations, pooling, dropout and LSTM agree with central differences", () => {
  it("batch norm over batch statistics, to input, weight and bias", async () => {
    await checkGradient(
      [[3, 2, 5, 4], [2], [2]],
      (x, weight, bias) => batchNormTraining(x, { weight, bias }).y,
    );
  });
  it("batch norm over given statistics", async () => {
    const draw = { draw: (random: { between(a: number, b: number): number }) => random.between(0.5, 2) };
    await checkGradient(
      [[3, 2, 5, 4], [2], [2], [2], [2]],
      (x, mean, variance, weight, bias) => batchNormInference(x, { mean, variance, weight, bias }),
      draw,
    );
  });
  it("layer norm", async () => {
    await checkGradient([[2, 3, 7], [7], [7]], (x, weight, bias) => layerNorm(x, { weight, bias }));
  });
  it("unit length", async () => {
    await checkGradient([[3, 5]], (x) => l2Normalise(x, { axis: 1 }));
    await checkGradient([[3, 5, 2]], (x) => l2Normalise(x, { axis: 1 }));
  });
  it("dropout with a fixed mask", async () => {
    const mask = constant({
      dtype: "uint8",
      shape: [2, 5],
      data: Uint8Array.of(1, 0, 1, 1, 0, 1, 1, 1, 0, 1),
    });
    await checkGradient([[2, 5]], (x) => dropout(x, mask, 0.6));
  });
  it("LSTM over sequences of different lengths, and over one step", async () => {
    const mask = constant({ dtype: "bool", shape: [2, 4], data: Uint8Array.of(1, 1, 1, 1, 1, 1, 0, 0) });
    const shapes = [[2, 4, 5], [12, 5], [12, 3], [12], [12]];
    await checkGradient(shapes, (x, weightIh, weightHh, biasIh, biasHh) =>
      lstm(x, { weightIh, weightHh, biasIh, biasHh, lengthMask: mask }),
    );
    const one = constant({ dtype: "bool", shape: [2, 1], data: Uint8Array.of(1, 1) });
    await checkGradient([[2, 1, 5], ...shapes.slice(1)], (x, weightIh, weightHh, biasIh, biasHh) =>
      lstm(x, { weightIh, weightHh, biasIh, biasHh, lengthMask: one }),
    );
  });
  it("a generalised mean, to the input and the exponent", async () => {
    const draw = { draw: (random: { between(a: number, b: number): number }) => random.between(0.5, 2) };
    await checkGradient([[2, 5, 3], [1]], (x, p) => generalisedMean(x, p), draw);
    const mask = constant({
      dtype: "bool",
      shape: [2, 5],
      data: Uint8Array.of(1, 1, 1, 0, 0, 1, 1, 1, 1, 1),
    });
    await checkGradient([[2, 5, 3], [1]], (x, p) => generalisedMean(x, p, mask), draw);
  });
  it("a shift along words, which a convolution over them is made of", async () => {
    await checkGradient([[2, 5, 3]], (x) => matmul(shiftMatrix(x, -2), x));
  });
  it("means over windows of a map, the windows at its edges cut", async () => {
    const grid = { rows: 3, columns: 4 };
    const of = (options: WindowOptions) => (x: Value) =>
      cast(windowMean(cast(x, "float32"), grid, options), "float64");
    const float32Steps = { step: 0.1, tolerance: 1e-5 };
    await checkGradient([[2, 12, 3]], of({ size: 2, stride: 2 }), float32Steps);
    await checkGradient([[2, 12, 3]], of({ size: 3, stride: 1, before: 1 }), float32Steps);
  });
  it("max pooling, overlapping and padded", async () => {
    await checkGradient([[2, 3, 7, 6]], (x) => maxPool2d(x, { kernel: 3, stride: 2, padding: 1 }));
    await checkGradient([[2, 3, 6, 4]], (x) => maxPool2d(x, { kernel: 2, stride: 2 }));
  });
  it("a cast to another floating type and back", async () => {
    await checkGradient([[2, 3]], (x) => cast(cast(x, "float32"), "float64"), { step: 0.1, tolerance: 1e-5 });
  });
});
