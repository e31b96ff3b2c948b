import { describe, expect, it } from "vitest";
import { ShapeError } from "../../errors.js";
import { Input } from "../graph/value.js";
import { runOnce } from "../runtime/session.js";
import { Random } from "../tensor/random.js";
import { float32 } from "../tensor/tensor.js";
import { type ConvOptions, conv2d } from "./conv.js";

/** The definition, term by term. */
function direct(
  x: Float32Array,
  w: Float32Array,
  s: { b: number; ci: number; h: number; w: number; co: number; k: number },
  options: Required<ConvOptions>,
): number[] {
  const out = (length: number) =>
    Math.floor((length + 2 * options.padding - options.dilation * (s.k - 1) - 1) / options.stride) + 1;
  const result: number[] = [];
  for (let b = 0; b < s.b; b += 1)
    for (let o = 0; o < s.co; o += 1)
      for (let i = 0; i < out(s.h); i += 1)
        for (let j = 0; j < out(s.w); j += 1) {
          let total = 0;
          for (let c = 0; c < s.ci; c += 1)
            for (let k = 0; k < s.k; k += 1)
              for (let l = 0; l < s.k; l += 1) {
                const y = i * options.stride + k * options.dilation - options.padding;
                const z = j * options.stride + l * options.dilation - options.padding;
                if (y < 0 || y >= s.h || z < 0 || z >= s.w) continue;
                total +=
                  (x[((b * s.ci + c) * s.h + y) * s.w + z] ?? 0) *
                  (w[((o * s.ci + c) * s.k + k) * s.k + l] ?? 0);
              }
          result.push(total);
        }
  return result;
}

describe("conv2d", () => {
  const cases = [
    { h: 5, w: 7, k: 1, stride: 1, padding: 0, dilation: 1 },
    { h: 7, w: 5, k: 1, stride: 2, padding: 0, dilation: 1 },
    { h: 3, w: 4, k: 3, stride: 1, padding: 1, dilation: 1 },
    { h: 7, w: 6, k: 3, stride: 2, padding: 1, dilation: 1 },
    { h: 11, w: 13, k: 7, stride: 2, padding: 3, dilation: 1 },
    { h: 11, w: 13, k: 3, stride: 2, padding: 2, dilation: 2 },
  ];
  // "batch" gives ONNX Runtime's own Conv, a number the formulation that training uses.
  it.each(
    cases.flatMap((c) => [
      { ...c, batch: 2 as const },
      { ...c, batch: "batch" as const },
    ]),
  )("follows its definition: %j", async ({ h, w, k, batch, ...options }) => {
    const random = new Random(7);
    const x = Float32Array.from({ length: 2 * 3 * h * w }, () => random.normal());
    const weight = Float32Array.from({ length: 5 * 3 * k * k }, () => random.normal());
    const y = conv2d(
      new Input("x", "float32", [batch, 3, h, w]),
      new Input("w", "float32", [5, 3, k, k]),
      options,
    );
    const result = await runOnce({ y }, { x: float32([2, 3, h, w], x), w: float32([5, 3, k, k], weight) });
    const expected = direct(x, weight, { b: 2, ci: 3, h, w, co: 5, k }, options);
    expect(result.y.data).toHaveLength(expected.length);
    for (const [i, value] of expected.entries()) expect(Number(result.y.data[i])).toBeCloseTo(value, 4);
  });

  it("refuses channels that differ and kernels that do not fit", () => {
    const x = new Input("x", "float32", [2, 3, 4, 4]);
    expect(() => conv2d(x, new Input("w", "float32", [5, 2, 3, 3]))).toThrow(/channels differ: 3 and 2/);
    expect(() => conv2d(x, new Input("w", "float32", [5, 3, 7, 7]))).toThrow(ShapeError);
  });
});
