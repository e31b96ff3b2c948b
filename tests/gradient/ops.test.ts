import { describe, it } from "vitest";
import type { Value } from "../../src/engine/graph/value.js";
import {
  gelu,
  leakyRelu,
  power,
  quickGelu,
  silu,
  softplus,
  tanhGelu,
} from "../../src/engine/ops/activations.js";
import { add, divide, maximum, multiply, negate, subtract } from "../../src/engine/ops/arithmetic.js";
import { equal, lessOrEqual, where } from "../../src/engine/ops/comparison.js";
import { cast, constant } from "../../src/engine/ops/constant.js";
import { erf, exp, log, relu, sigmoid, sqrt, tanh } from "../../src/engine/ops/elementwise.js";
import { gather, scatterAdd } from "../../src/engine/ops/gather.js";
import { matmul } from "../../src/engine/ops/matmul.js";
import { max, mean, sum, sumTo } from "../../src/engine/ops/reduce.js";
import { repeatForBatch } from "../../src/engine/ops/repeat.js";
import {
  broadcastTo,
  concat,
  expandDims,
  pad,
  reshape,
  slice,
  transpose,
} from "../../src/engine/ops/shape.js";
import { logSoftmax, softmax } from "../../src/engine/ops/softmax.js";
import { int64 } from "../../src/engine/tensor/tensor.js";
import { checkGradient } from "./check-gradient.js";

const positive = { draw: (random: { between(a: number, b: number): number }) => random.between(0.5, 2) };

describe("gradient rules agree with central differences in float64", () => {
  it("arithmetic, with broadcasting both ways", async () => {
    await checkGradient(
      [
        [2, 3, 5],
        [3, 1],
      ],
      add,
    );
    await checkGradient(
      [
        [3, 1],
        [2, 3, 5],
      ],
      subtract,
    );
    await checkGradient(
      [
        [2, 1, 5],
        [3, 1],
      ],
      multiply,
    );
    await checkGradient([[2, 3], [1]], (a, b) => divide(a, b), positive);
    await checkGradient([[7], [7]], maximum);
    await checkGradient([[2, 3]], (x) => multiply(x, x));
  });
  it("functions of one operand", async () => {
    for (const f of [negate, exp, tanh, sigmoid, relu]) await checkGradient([[3, 5]], f);
    for (const f of [log, sqrt]) await checkGradient([[3, 5]], f, positive);
    await checkGradient([[3, 5]], softplus);
    for (const f of [quickGelu, silu, tanhGelu]) await checkGradient([[3, 5]], f);
    await checkGradient([[3, 5]], (x) => leakyRelu(x, 0.01));
    // The runtime has the error function for float32 alone, whose rounding allows no smaller step.
    for (const f of [erf, gelu]) {
      const rounded = (x: Value) => cast(f(cast(x, "float32")), "float64");
      await checkGradient([[3, 5]], rounded, { step: 0.02, tolerance: 3e-4 });
    }
    await checkGradient([[3, 5], [1]], (x, exponent) => power(x, exponent, 1e-6), positive);
  });
  it("where", async () => {
    await checkGradient([[3, 5], [5]], (a, b) => where(lessOrEqual(a, b), multiply(a, 2), multiply(b, 3)));
    await checkGradient([[3, 5]], (a) => where(equal(a, a), a, negate(a)));
  });
  it("matmul: matrices, batches, broadcast batches, shared weights", async () => {
    await checkGradient(
      [
        [2, 3],
        [3, 5],
      ],
      matmul,
    );
    await checkGradient(
      [
        [7, 2, 3],
        [7, 3, 5],
      ],
      matmul,
    );
    await checkGradient(
      [
        [7, 1, 2, 3],
        [2, 3, 5],
      ],
      matmul,
    );
    await checkGradient(
      [
        [7, 2, 3],
        [3, 5],
      ],
      matmul,
    );
    await checkGradient(
      [
        [2, 3],
        [7, 3, 5],
      ],
      matmul,
    );
  });
  it("reductions", async () => {
    for (const f of [sum, mean, max]) {
      await checkGradient([[2, 3, 5]], (x) => f(x));
      await checkGradient([[2, 3, 5]], (x) => f(x, { axes: [0, 2] }));
      await checkGradient([[2, 3, 5]], (x) => f(x, { axes: [-2], keepDims: true }));
    }
  });
  it("moves of elements", async () => {
    await checkGradient([[2, 3, 5]], (x) => reshape(x, [5, 6]));
    await checkGradient([[2, 3, 5]], (x) => transpose(x, [2, 0, 1]));
    await checkGradient([[3, 1]], (x) => broadcastTo(x, [2, 3, 5]));
    await checkGradient(
      [
        [3, 5],
        [2, 1],
      ],
      (x, like) => add(repeatForBatch(x, like), expandDims(like, 2)),
    );
    await checkGradient([[2, 3, 5]], (x) => sumTo(x, [3, 1]));
    await checkGradient([[2, 3]], (x) => expandDims(x, 1));
    await checkGradient(
      [
        [2, 3],
        [2, 5],
        [2, 1],
      ],
      (...values) => concat(values, { axis: 1 }),
    );
    await checkGradient([[7, 3]], (x) => slice(x, { axis: 0, start: 1, end: 6 }));
    await checkGradient([[11, 3]], (x) => slice(x, { axis: 0, start: 2, end: 10, step: 3 }));
    await checkGradient([[2, 3]], (x) => pad(x, { axis: 1, before: 2, after: 1 }));
  });
  it("softmax and its logarithm, with and without masks", async () => {
    const mask = constant({
      dtype: "bool",
      shape: [2, 1, 5],
      data: Uint8Array.of(1, 1, 0, 1, 1, 1, 0, 0, 0, 1),
    });
    await checkGradient([[2, 3, 5]], (x) => softmax(x, { axis: -1 }));
    await checkGradient([[2, 3, 5]], (x) => softmax(x, { axis: 1 }));
    await checkGradient([[2, 3, 5]], (x) => softmax(x, { axis: 2, mask }));
    await checkGradient([[2, 3, 5]], (x) => logSoftmax(x, { axis: 1 }));
  });
  it("rows of a table, repeated rows included", async () => {
    const indices = constant(int64([2, 3], [4, 0, 4, 1, 1, 2]));
    await checkGradient([[5, 7]], (table) => gather(table, indices));
    await checkGradient(
      [
        [5, 7],
        [2, 3, 7],
      ],
      (base, updates) => scatterAdd(base, indices, updates),
    );
  });
});
