import { describe, expect, it } from "vitest";
import { Input, type Parameter } from "../engine/graph/value.js";
import { runOnce } from "../engine/runtime/session.js";
import { StatefulSession } from "../engine/runtime/stateful-session.js";
import { Random } from "../engine/tensor/random.js";
import { float32, int64, tensor } from "../engine/tensor/tensor.js";
import { BatchNorm1d } from "./batch-norm1d.js";
import { BatchNorm2d } from "./batch-norm2d.js";
import { Conv2d } from "./conv2d.js";
import { Embedding } from "./embedding.js";
import { ForwardPass } from "./forward-pass.js";
import { LayerNorm } from "./layer-norm.js";
import { Linear } from "./linear.js";
import { Lstm } from "./lstm.js";

const random = new Random(7);

function set(target: Parameter | undefined, ...values: number[]): void {
  target?.data.set(values);
}

describe("Linear", () => {
  const layer = new Linear(2, 3, random);
  set(layer.weight, 1, 2, 3, 4, 5, 6);
  set(layer.bias, 10, 20, 30);

  it("is x · Wᵀ + b", async () => {
    const x = new Input("x", "float32", ["batch", 1, 2]);
    const { y } = await runOnce({ y: layer.forward(x) }, { x: float32([2, 1, 2], [1, 1, 1, -1]) });
    expect(y.shape).toEqual([2, 1, 3]);
    expect([...y.data]).toEqual([13, 27, 41, 9, 19, 29]);
  });

  it("applies to a pair as to the joined vectors", async () => {
    const wide = new Linear(5, 3, random);
    const x = float32([2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
    const s = float32([2, 3], [9, 10, 11, 12, 13, 14]);
    const joined = float32([2, 2, 5], [1, 2, 9, 10, 11, 3, 4, 9, 10, 11, 5, 6, 12, 13, 14, 7, 8, 12, 13, 14]);
    const inputs = {
      x: new Input("x", "float32", ["batch", 2, 2]),
      s: new Input("s", "float32", ["batch", 3]),
      joined: new Input("joined", "float32", ["batch", 2, 5]),
    };
    const { pair, whole } = await runOnce(
      { pair: wide.forwardPair(inputs.x, inputs.s), whole: wide.forward(inputs.joined) },
      { x, s, joined },
    );
    expect(pair.shape).toEqual([2, 2, 3]);
    for (const [i, value] of [...whole.data].entries()) expect(pair.data[i]).toBeCloseTo(Number(value), 4);
  });

  it("starts within 1 / sqrt(inFeatures), and has no bias when told so", () => {
    const plain = new Linear(16, 11, random, { bias: false });
    expect(plain.bias).toBeUndefined();
    expect(Math.max(...plain.weight.data.map(Math.abs))).toBeLessThanOrEqual(0.25);
  });
});

describe("Conv2d", () => {
  it("adds its bias to every position of its channel", async () => {
    const layer = new Conv2d(1, 2, random, { kernel: 1 });
    set(layer.weight, 2, 3);
    set(layer.bias, 100, 200);
    const x = new Input("x", "float32", ["batch", 1, 1, 3]);
    const { y } = await runOnce({ y: layer.forward(x) }, { x: float32([1, 1, 1, 3], [1, 2, 5]) });
    expect([...y.data]).toEqual([102, 104, 110, 203, 206, 215]);
  });
});

describe("BatchNorm2d", () => {
  const x = float32([2, 2, 1, 2], [1, 2, 10, 10, 3, 6, 10, 30]); // channel 0: 1 2 3 6, channel 1: 10 10 10 30
  const input = new Input("x", "float32", [2, 2, 1, 2]);

  it("normalises by the batch and moves the running statistics as PyTorch does", async () => {
    const layer = new BatchNorm2d(2);
    set(layer.weight, 1, 2);
    set(layer.bias, 0, 5);
    const pass = ForwardPass.training();
    const y = layer.forward(input, pass);
    const session = await StatefulSession.compile({ y }, pass.bufferUpdates);
    const { outputs } = await session.run({ x });
    await session.release();
    expect(outputs.y.data[0]).toBeCloseTo(-2 / Math.sqrt(3.5 + 1e-5), 5); // mean 3, variance 3.5
    expect(outputs.y.data[7]).toBeCloseTo((2 * 15) / Math.sqrt(75 + 1e-5) + 5, 5); // mean 15, variance 75
    expect(layer.running_mean.data[0]).toBeCloseTo(0.3, 6);
    expect(layer.running_var.data[0]).toBeCloseTo(0.9 + (0.1 * 3.5 * 4) / 3, 6);
    expect(layer.running_var.data[1]).toBeCloseTo(0.9 + (0.1 * 75 * 4) / 3, 5);
  });

  it("moves the statistics twice where a batch comes in two passes", async () => {
    const layer = new BatchNorm2d(2);
    const pass = ForwardPass.training();
    const outputs = { a: layer.forward(input, pass), b: layer.forward(input, pass) };
    const session = await StatefulSession.compile(outputs, pass.bufferUpdates);
    await session.run({ x });
    await session.release();
    expect(layer.running_mean.data[0]).toBeCloseTo(0.3 * 0.9 + 0.3, 6);
  });

  it("keeps the statistics of two different batches apart", async () => {
    const layer = new BatchNorm2d(2);
    const pass = ForwardPass.training();
    const later = new Input("later", "float32", [2, 2, 1, 2]);
    const outputs = { a: layer.forward(input, pass), b: layer.forward(later, pass) };
    const session = await StatefulSession.compile(outputs, pass.bufferUpdates);
    await session.run({ x, later: float32([2, 2, 1, 2], [5, 5, 0, 4, 5, 9, 0, 0]) }); // means 6 and 1
    await session.release();
    expect(layer.running_mean.data[0]).toBeCloseTo(0.9 * 0.1 * 3 + 0.1 * 6, 5);
    expect(layer.running_mean.data[1]).toBeCloseTo(0.9 * 0.1 * 15 + 0.1 * 1, 5);
    expect(layer.running_var.data[0]).toBeCloseTo(0.9 * (0.9 + (0.1 * 3.5 * 4) / 3) + (0.1 * 3 * 4) / 3, 5);
  });

  it("uses and keeps the running statistics in inference and where they are frozen", async () => {
    const layer = new BatchNorm2d(2);
    set(layer.running_mean, 1, 10);
    set(layer.running_var, 4, 25);
    const frozen = ForwardPass.training();
    const { inference, training } = await runOnce(
      {
        inference: layer.forward(input, ForwardPass.inference()),
        training: layer.forward(input, frozen.withFrozenStatistics()),
      },
      { x },
    );
    expect(inference.data[1]).toBeCloseTo(0.5, 5);
    expect(inference.data[7]).toBeCloseTo(4, 5);
    expect(training.data).toEqual(inference.data);
    expect(frozen.bufferUpdates).toEqual([]);
  });
});

describe("BatchNorm1d", () => {
  it("normalises columns", async () => {
    const x = new Input("x", "float32", [3, 2]);
    const { y } = await runOnce(
      { y: new BatchNorm1d(2).forward(x, ForwardPass.training()) },
      { x: float32([3, 2], [1, 0, 2, 0, 3, 3]) },
    );
    expect(y.data[0]).toBeCloseTo(-1 / Math.sqrt(2 / 3 + 1e-5), 5);
    expect(y.data[5]).toBeCloseTo(2 / Math.sqrt(2 + 1e-5), 5);
  });
});

describe("LayerNorm", () => {
  it("normalises the last axis, then scales and shifts", async () => {
    const layer = new LayerNorm(3);
    set(layer.weight, 1, 2, 3);
    set(layer.bias, 10, 20, 30);
    const x = new Input("x", "float32", ["batch", 3]);
    const { y } = await runOnce({ y: layer.forward(x) }, { x: float32([1, 3], [1, 2, 6]) });
    const inverse = 1 / Math.sqrt(14 / 3 + 1e-5); // mean 3, variance (4 + 1 + 9) / 3
    const expected = [10 - 2 * inverse, 20 - 2 * inverse, 30 + 9 * inverse];
    for (const [i, value] of expected.entries()) expect(y.data[i]).toBeCloseTo(value, 4);
  });
});

describe("Embedding", () => {
  it("looks rows up", async () => {
    const layer = new Embedding(3, 2, random);
    set(layer.weight, 1, 2, 3, 4, 5, 6);
    const tokens = new Input("tokens", "int64", ["batch", 2]);
    const { y } = await runOnce({ y: layer.forward(tokens) }, { tokens: int64([2, 2], [2, 0, 1, 1]) });
    expect(y.shape).toEqual([2, 2, 2]);
    expect([...y.data]).toEqual([5, 6, 1, 2, 3, 4, 3, 4]);
  });
});

describe("Lstm", () => {
  it("reads its gates in the order i, f, g, o and gives zero at padding", async () => {
    const layer = new Lstm(1, 1, random);
    set(layer.weight_ih_l0, 0.5, -1, 2, 0.25);
    set(layer.weight_hh_l0, 0.1, 0.2, -0.3, 0.4);
    set(layer.bias_ih_l0, 0.1, 0.2, 0.3, 0.4);
    set(layer.bias_hh_l0, -0.4, 0.3, 0.2, 0.1);
    const x = new Input("x", "float32", ["batch", 3, 1]);
    const mask = new Input("mask", "bool", ["batch", 3]);
    const { h } = await runOnce(
      { h: layer.forward(x, mask) },
      { x: float32([1, 3, 1], [1, -2, 9]), mask: tensor("bool", [1, 3], Uint8Array.of(1, 1, 0)) },
    );
    const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
    let [cell, hidden] = [0, 0];
    const expected = [1, -2].map((value) => {
      const i = sigmoid(0.5 * value + 0.1 * hidden - 0.3);
      const f = sigmoid(-value + 0.2 * hidden + 0.5);
      const g = Math.tanh(2 * value - 0.3 * hidden + 0.5);
      const o = sigmoid(0.25 * value + 0.4 * hidden + 0.5);
      cell = f * cell + i * g;
      hidden = o * Math.tanh(cell);
      return hidden;
    });
    for (const [t, value] of [...expected, 0].entries()) expect(h.data[t]).toBeCloseTo(value, 5);
  });
});
