import { describe, expect, it } from "vitest";
import { ShapeError } from "../../errors.js";
import { Input } from "../graph/value.js";
import { multiply } from "../ops/arithmetic.js";
import { sum } from "../ops/reduce.js";
import { runOnce } from "../runtime/session.js";
import { float32 } from "../tensor/tensor.js";
import { gradients, pulledBack } from "./gradients.js";

describe("pulledBack", () => {
  const x = new Input("x", "float32", [3]);
  const y = multiply(x, x);
  const z = multiply(x, 5);
  const gy = new Input("gy", "float32", [3]);
  const gz = new Input("gz", "float32", [3]);
  const feeds = { x: float32([3], [1, 2, 3]), gy: float32([3], [1, 10, 100]), gz: float32([3], [7, 8, 9]) };

  it("gives the gradient of a loss of which only the gradients at several outputs are known", async () => {
    const [dx] = pulledBack(
      [
        { value: y, gradient: gy },
        { value: z, gradient: gz },
      ],
      [x],
    );
    const [direct] = gradients(sum(multiply(y, gy)), [x]);
    if (!dx || !direct) throw new Error("one gradient for each target");
    const result = await runOnce({ dx, direct }, feeds);
    expect([...result.dx.data]).toEqual([2 * 1 + 35, 4 * 10 + 40, 6 * 100 + 45]);
    expect([...result.direct.data]).toEqual([2, 40, 600]);
  });

  it("adds up two gradients of one output", async () => {
    const [dx] = pulledBack(
      [
        { value: z, gradient: gz },
        { value: z, gradient: gy },
      ],
      [x],
    );
    if (!dx) throw new Error("one gradient for each target");
    const used = { gy: feeds.gy, gz: feeds.gz };
    expect([...(await runOnce({ dx }, used)).dx.data]).toEqual([5 * 8, 5 * 18, 5 * 109]);
  });

  it("refuses a gradient that is not of its output's type", () => {
    const wrong = new Input("g", "float32", [1]);
    expect(() => pulledBack([{ value: y, gradient: wrong }], [x])).toThrow(ShapeError);
  });
});
