import { describe, expect, it } from "vitest";
import { constant } from "../../engine/ops/constant.js";
import { runOnce } from "../../engine/runtime/session.js";
import { float32 } from "../../engine/tensor/tensor.js";
import { clipByGlobalNorm } from "./clip.js";

describe("clipping by the global norm", () => {
  const gradients = [constant(float32([2], [3, 0])), constant(float32([1, 1], [4]))]; // norm 5
  it("gives the factor that makes the common norm the bound", async () => {
    const { norm, factor } = await runOnce({ ...clipByGlobalNorm(gradients, 1) });
    expect(norm.data[0]).toBeCloseTo(5, 6);
    expect(factor.data[0]).toBeCloseTo(0.2, 6);
  });
  it("leaves gradients below the bound as they are", async () => {
    expect((await runOnce({ ...clipByGlobalNorm(gradients, 10) })).factor.data[0]).toBe(1);
  });
});
