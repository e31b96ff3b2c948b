import { describe, expect, it } from "vitest";
import { Input, Parameter } from "../../engine/graph/value.js";
import { StatefulSession } from "../../engine/runtime/stateful-session.js";
import { float32 } from "../../engine/tensor/tensor.js";
import { ShapeError } from "../../errors.js";
import { Adam } from "./adam.js";

/** The update by hand, in float64. */
function reference(p: number, gradients: readonly number[], rate: number, weightDecay: number): number {
  let [m, v, x] = [0, 0, p];
  for (const [i, gradient] of gradients.entries()) {
    const g = gradient + weightDecay * x;
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    const t = i + 1;
    x -= ((rate / (1 - 0.9 ** t)) * m) / (Math.sqrt(v) / Math.sqrt(1 - 0.999 ** t) + 1e-8);
  }
  return x;
}

describe("Adam", () => {
  it("follows PyTorch's update over several steps, with decay and a rate per group", async () => {
    const fast = new Parameter([2], Float32Array.of(1, -2));
    const slow = new Parameter([1], Float32Array.of(0.5));
    const adam = new Adam(
      [
        { name: "fast", parameters: new Map([["a", fast]]) },
        { name: "slow", parameters: new Map([["b", slow]]) },
      ],
      { weightDecay: 0.01 },
    );
    const [ga, gb] = [new Input("ga", "float32", [2]), new Input("gb", "float32", [1])];
    const session = await StatefulSession.compile({}, adam.updates([ga, gb]));
    const steps = [
      [0.3, -1, 2],
      [-0.2, 0.5, 1],
      [4, 0, -1],
    ] as const;
    for (const [i, [x, y, z]] of steps.entries()) {
      await session.run({
        ga: float32([2], [x, y]),
        gb: float32([1], [z]),
        ...adam.feeds(i + 1, { fast: 0.1, slow: 0.01 }),
      });
    }
    const column = (k: 0 | 1 | 2) => steps.map((step) => step[k]);
    expect(fast.data[0]).toBeCloseTo(reference(1, column(0), 0.1, 0.01), 5);
    expect(fast.data[1]).toBeCloseTo(reference(-2, column(1), 0.1, 0.01), 5);
    expect(slow.data[0]).toBeCloseTo(reference(0.5, column(2), 0.01, 0.01), 5);
    expect(adam.moments.get("fast.packed.first")?.data[0]).not.toBe(0);
  });

  it("refuses a missing gradient and a group without a rate", () => {
    const parameters = new Map([["layer.weight", new Parameter([1], Float32Array.of(1))]]);
    const adam = new Adam([{ name: "rest", parameters }]);
    expect(() => adam.updates([])).toThrow(/one gradient for each/);
    expect(() => adam.feeds(1, {})).toThrow(ShapeError);
  });
});
