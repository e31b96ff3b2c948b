import { describe, expect, it } from "vitest";
import { constant } from "../ops/constant.js";
import { runOnce } from "../runtime/session.js";
import { float32 } from "../tensor/tensor.js";
import { clipByGlobalNorm, globalNorm } from "./clip.js";

describe("clipping by the global norm", () => {
  const gradients = [constant(float32([2], [3, 0])), constant(float32([1, 1], [4]))]; // norm 5
  it("scales all gradients so that their common norm is the bound", async () => {
    const norm = globalNorm(gradients);
    const [a, b] = clipByGlobalNorm(gradients, { norm, maxNorm: 1 });
    const result = await runOnce({ norm, a: a ?? norm, b: b ?? norm });
    expect(result.norm.data[0]).toBeCloseTo(5, 6);
    expect(result.a.data[0]).toBeCloseTo(0.6, 5);
    expect(result.b.data[0]).toBeCloseTo(0.8, 5);
  });
  it("leaves gradients below the bound as they are", async () => {
    const [a] = clipByGlobalNorm(gradients, { norm: globalNorm(gradients), maxNorm: 10 });
    expect((await runOnce({ a: a ?? globalNorm(gradients) })).a.data[0]).toBe(3);
  });
});
