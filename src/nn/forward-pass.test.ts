import { describe, expect, it } from "vitest";
import { Input } from "../engine/graph/value.js";
import { multiply } from "../engine/ops/arithmetic.js";
import { runOnce } from "../engine/runtime/session.js";
import { float32, tensor } from "../engine/tensor/tensor.js";
import { ForwardPass } from "./forward-pass.js";
import { filled, parameter } from "./initial-values.js";

describe("ForwardPass", () => {
  const x = new Input("x", "float32", [2, 3]);

  it("is the identity for dropout in inference and at probability 0", () => {
    expect(ForwardPass.inference().dropout(x, 0.5)).toBe(x);
    const training = ForwardPass.training();
    expect(training.dropout(x, 0)).toBe(x);
    expect(training.dropoutMasks).toEqual([]);
  });

  it("drops where the fed mask is 0 and scales the rest up", async () => {
    const pass = ForwardPass.training();
    const y = pass.dropout(x, 0.2);
    const [mask] = pass.dropoutMasks;
    expect(mask?.input.name).toBe("dropout.0");
    expect(mask?.keepProbability).toBeCloseTo(0.8);
    const result = await runOnce(
      { y },
      {
        x: float32([2, 3], [4, 8, 12, 16, 20, 24]),
        "dropout.0": tensor("uint8", [2, 3], Uint8Array.of(1, 0, 1, 0, 1, 1)),
      },
    );
    expect([...result.y.data]).toEqual([5, 0, 15, 0, 25, 30]);
  });

  it("gives every dropout its own mask, those of a frozen part included", () => {
    const pass = ForwardPass.training();
    pass.dropout(x, 0.1);
    pass.withFrozenStatistics().dropout(x, 0.3);
    expect(pass.dropoutMasks.map(({ input }) => input.name)).toEqual(["dropout.0", "dropout.1"]);
  });

  it("hands on a buffer's value from update to update", () => {
    const pass = ForwardPass.training();
    const buffer = parameter([1], filled(1), { isTrainable: false });
    const first = multiply(pass.currentValue(buffer), 2);
    pass.updateBuffer(buffer, first);
    expect(pass.currentValue(buffer)).toBe(first);
    const second = multiply(first, 3);
    pass.updateBuffer(buffer, second);
    expect(pass.bufferUpdates).toEqual([{ parameter: buffer, next: second }]);
  });

  it("uses the batch's statistics in training only, and not in a frozen part", () => {
    expect(ForwardPass.training().usesBatchStatistics).toBe(true);
    expect(ForwardPass.training().withFrozenStatistics().usesBatchStatistics).toBe(false);
    expect(ForwardPass.inference().usesBatchStatistics).toBe(false);
  });
});
