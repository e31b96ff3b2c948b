import { describe, expect, it } from "vitest";
import { add, multiply } from "../ops/arithmetic.js";
import { sum } from "../ops/reduce.js";
import { reshape } from "../ops/shape.js";
import { peakResultBytes } from "./peak-memory.js";
import { Input } from "./value.js";

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

  it("leaves outputs to whoever runs the graph, and is 0 without results", () => {
    expect(peakResultBytes([add(x, 1)])).toBe(0);
    expect(peakResultBytes([x])).toBe(0);
    expect(peakResultBytes([reshape(add(x, 1), [7, 1])])).toBe(28);
  });
});
