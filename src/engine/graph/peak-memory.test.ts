import { describe, expect, it } from "vitest";
import { gradients } from "../autodiff/gradients.js";
import { add, multiply } from "../ops/arithmetic.js";
import { conv2d } from "../ops/conv.js";
import { sum } from "../ops/reduce.js";
import { reshape } from "../ops/shape.js";
import { peakResultBytes } from "./peak-memory.js";
import { Input, Parameter, type Value } from "./value.js";

describe("peak memory of a graph", () => {
  const x = new Input("x", "float32", [7]);

  it("counts what is alive at once, not what is ever made", () => {
    let chain = add(x, 1);
    for (let i = 0; i < 9; i += 1) chain = add(chain, 1);
    // A result and its predecessor; the last one, the sum, is an output.
    expect(peakResultBytes([sum(chain)])).toBe(2 * 28);
  });

  it("keeps what is used again until then", () => {
    const first = add(x, 1);
    const second = add(first, 1);
    const third = add(second, 1);
    expect(peakResultBytes([sum(multiply(third, first))])).toBe(3 * 28);
  });

  it("adds what an op that runs holds inside: the columns of a convolution's filter gradient", () => {
    const picture = new Input("picture", "float32", [2, 3, 5, 7]);
    const weight = new Parameter([4, 3, 3, 3], new Float32Array(108));
    const y = conv2d(picture, weight, { padding: 1 });
    const [gradient] = gradients(sum(y), [weight]);
    // dY, broadcast to [2, 4, 5, 7], and twice 3 · 9 rows of 2 · 5 · 7 columns.
    expect(peakResultBytes([gradient as Value])).toBe(4 * (2 * 4 * 35 + 2 * 27 * 2 * 35));
  });

  it("leaves outputs to whoever runs the graph, and is 0 without results", () => {
    expect(peakResultBytes([add(x, 1)])).toBe(0);
    expect(peakResultBytes([x])).toBe(0);
    expect(peakResultBytes([reshape(add(x, 1), [7, 1])])).toBe(28);
  });
});
