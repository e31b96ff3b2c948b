import { describe, expect, it } from "vitest";
import { Parameter } from "../engine/graph/value.js";
import { calmLoss, collapsedLayers, describeNotFinite, lossCeiling, watchLoss } from "./guards.js";

const config = { lossLimit: 3, batchSize: 8 };

describe("the watch over the loss", () => {
  const calm = Array.from({ length: 50 }).reduce<typeof calmLoss>((g) => watchLoss(g, 4, config), calmLoss);

  it("counts steps on end above the limit times the running mean, and forgets them at the first below", () => {
    expect(calm).toMatchObject({ mean: 4, over: 0 });
    expect(lossCeiling(calm, config)).toBe(12);
    const once = watchLoss(calm, 12.1, config);
    expect(once).toEqual({ ...calm, over: 1 }); // the mean does not follow
    expect(watchLoss(once, 13, config).over).toBe(2);
    expect(watchLoss(once, 11.9, config).over).toBe(0);
  });

  it("does not take a fitted model's small losses for an explosion", () => {
    const fitted = { mean: 0.001, count: 100, over: 0 };
    expect(watchLoss(fitted, 2, config).over).toBe(0);
    expect(watchLoss(fitted, 3 * Math.log(8) + 0.1, config).over).toBe(1);
  });

  it("says nothing of the first step, or with a limit of 0", () => {
    expect(watchLoss(calmLoss, 1e9, config).over).toBe(0);
    expect(watchLoss(calm, 1e9, { ...config, lossLimit: 0 }).over).toBe(0);
  });
});

describe("collapsed routers", () => {
  it("are found by layer, each once", () => {
    expect(collapsedLayers([0.9, 0.049, 0.05, 0], [])).toEqual([1, 3]);
    expect(collapsedLayers([0.9, 0.049, 0.05, 0], [1])).toEqual([3]);
    expect(collapsedLayers([], [])).toEqual([]);
  });
});

describe("values that are not finite", () => {
  const [a, b] = [new Parameter([1], Float32Array.of(1)), new Parameter([1], Float32Array.of(1))];
  const named = new Map([
    ["image.a", a],
    ["text.b", b],
  ]);
  const loss = { total: 1, classification: 1, distillation: 0, consistency: 0 };

  it("are named: the loss's part, then the first parameter", () => {
    const nan = { ...loss, total: Number.NaN, distillation: Number.NaN };
    expect(describeNotFinite(nan, [a, b], named)).toBe(
      "first the loss's part distillation (NaN), then gradients of 2 of 2 parameters, the first image.a",
    );
    expect(describeNotFinite(loss, [b], named)).toBe("gradients of 1 of 2 parameters, the first text.b");
    expect(describeNotFinite(loss, [], named)).toMatch(/every gradient is finite, but not the sum/);
  });
});
