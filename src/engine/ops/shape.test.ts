import { describe, expect, it } from "vitest";
import { Input } from "../graph/value.js";
import { runOnce } from "../runtime/session.js";
import { float32 } from "../tensor/tensor.js";
import { positions } from "./constant.js";
import { repeatForBatch } from "./repeat.js";
import { concat, reshape, slice } from "./shape.js";

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

  it("concat joins what has a symbol for its length with what has a number", async () => {
    const before = new Input("before", "float32", ["batch", 1, 5]);
    const joined = concat([before, x], { axis: 1 });
    expect(joined.shape).toEqual(["batch", "tokens", 5]);
    const first = Array.from({ length: 2 * 5 }, (_, i) => -i);
    const all = { ...feeds, before: float32([2, 1, 5], first) };
    const { a, b } = await runOnce({ a: joined, b: slice(joined, { axis: 1, start: 1, end: 3 }) }, all);
    expect(a.shape).toEqual([2, 4, 5]);
    expect([...(a.data as Float32Array)].slice(0, 10)).toEqual([...first.slice(0, 5), ...values.slice(0, 5)]);
    expect(b.shape).toEqual([2, 2, 5]);
    expect([...(b.data as Float32Array)].slice(0, 10)).toEqual(values.slice(0, 10));
    expect(() => slice(joined, { axis: 1, start: 2, end: 2 })).toThrow(/cannot take 2:2/);
  });

  it("repeatForBatch gives every example the same", async () => {
    const rows = new Input("rows", "float32", [2, 1]);
    const scalar = new Input("scalar", "float32", []);
    const all = { ...feeds, rows: float32([2, 1], [7, 8]), scalar: float32([], [9]) };
    const { a, b } = await runOnce({ a: repeatForBatch(rows, x), b: repeatForBatch(scalar, x) }, all);
    expect(a.shape).toEqual([2, 2, 1]);
    expect([...(a.data as Float32Array)]).toEqual([7, 8, 7, 8]);
    expect([...(b.data as Float32Array)]).toEqual([9, 9]);
  });

  it("positions count along an axis, symbolic or not", async () => {
    const { a } = await runOnce({ a: positions(x, 1) }, feeds);
    expect([...(a.data as BigInt64Array)]).toEqual([0n, 1n, 2n]);
    const { b } = await runOnce({ b: positions(x, -1) }, {});
    expect([...(b.data as BigInt64Array)]).toEqual([0n, 1n, 2n, 3n, 4n]);
  });
});
