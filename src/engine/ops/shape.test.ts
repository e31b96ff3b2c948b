import { describe, expect, it } from "vitest";
import { Input } from "../graph/value.js";
import { runOnce } from "../runtime/session.js";
import { float32 } from "../tensor/tensor.js";
import { positions } from "./constant.js";
import { reshape } from "./shape.js";

const values = Array.from({ length: 2 * 3 * 5 }, (_, i) => i);

describe("with two symbolic axes", () => {
  const x = new Input("x", "float32", ["batch", "words", 5]);
  const feeds = { x: float32([2, 3, 5], values) };

  it("reshape keeps both, next to new axes of length 1 and after them", async () => {
    const wide = reshape(x, [1, "batch", "words", 1, 5]);
    const narrow = reshape(wide, ["batch", "words", 5]);
    const { a, b } = await runOnce({ a: wide, b: narrow }, feeds);
    expect(a.shape).toEqual([1, 2, 3, 1, 5]);
    expect(b.shape).toEqual([2, 3, 5]);
    expect([...(b.data as Float32Array)]).toEqual(values);
  });

  it("reshape refuses to lose one, to swap them, or to move them where it cannot tell their lengths", () => {
    expect(() => reshape(x, ["batch", 5])).toThrow(/cannot give \[batch, 5\]/);
    expect(() => reshape(x, ["words", "batch", 5])).toThrow(/cannot give/);
  });

  it("positions count along an axis, symbolic or not", async () => {
    const { a } = await runOnce({ a: positions(x, 1) }, feeds);
    expect([...(a.data as BigInt64Array)]).toEqual([0n, 1n, 2n]);
    const { b } = await runOnce({ b: positions(x, -1) }, {});
    expect([...(b.data as BigInt64Array)]).toEqual([0n, 1n, 2n, 3n, 4n]);
  });
});
