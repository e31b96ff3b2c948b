import { describe, it } from "vitest";
import type { Value } from "../../src/engine/graph/value.js";
import { attention } from "../../src/engine/ops/attention.js";
import { constant } from "../../src/engine/ops/constant.js";
import { linear, linearOfPair } from "../../src/engine/ops/linear.js";
import { tensor } from "../../src/engine/tensor/tensor.js";
import { checkGradient } from "./check-gradient.js";

const keyMask = constant(tensor("bool", [2, 3], Uint8Array.of(1, 1, 0, 1, 0, 0)));
const [batch, count, wordCount, width] = [2, 5, 3, 6];
const regions = [batch, count, width];
const words = [batch, wordCount, width];
const packed = [[3 * width, width], [3 * width]];

describe("gradients of attention and of products with weights agree with central differences in float64", () => {
  it("linear", async () => {
    await checkGradient([regions, [7, width]], linear);
    await checkGradient(
      [
        [5, 3],
        [7, 3],
      ],
      linear,
    );
  });

  it("linear of a pair, with and without bias", async () => {
    const shapes = [regions, [batch, 3], [7, width + 3]];
    await checkGradient([...shapes, [7]], linearOfPair);
    await checkGradient(shapes, (x, s, weight) => linearOfPair(x, s, weight));
  });

  it("self-attention: one source", async () => {
    await checkGradient(
      [regions, ...packed],
      (x, weight, bias) => attention({ query: x, key: x, value: x }, { weight, bias, headCount: 2 }).context,
    );
  });

  it("cross-attention: two sources, padding masked out", async () => {
    await checkGradient(
      [regions, words, ...packed],
      (x, w, weight, bias) =>
        attention({ query: x, key: w, value: w }, { weight, bias, headCount: 3, keyMask }).context,
    );
  });

  it("three sources", async () => {
    await checkGradient(
      [regions, words, words, ...packed],
      (query: Value, key: Value, value: Value, weight: Value, bias: Value) =>
        attention({ query, key, value }, { weight, bias, headCount: 1, keyMask }).context,
    );
  });
});
