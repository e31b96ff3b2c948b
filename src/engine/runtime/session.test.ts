import { describe, expect, it } from "vitest";
import { GraphError, ShapeError } from "../../errors.js";
import { Input, Parameter } from "../graph/value.js";
import { add, multiply, subtract } from "../ops/arithmetic.js";
import { cast } from "../ops/constant.js";
import { matmul } from "../ops/matmul.js";
import { mean } from "../ops/reduce.js";
import { float32 } from "../tensor/tensor.js";
import { GraphSession, runOnce } from "./session.js";
import { StatefulSession } from "./stateful-session.js";

describe("GraphSession", () => {
  it("takes and gives half-precision numbers as their bits, on every Node.js", async () => {
    const x = new Input("x", "float16", [3]);
    const y = cast(cast(x, "float32"), "float16");
    const session = await GraphSession.compile({ wide: cast(x, "float32"), y });
    const bits = Uint16Array.of(0x3c00, 0xc000, 0x3800); // 1, -2, 0.5
    const outputs = await session.run({ x: { dtype: "float16", shape: [3], data: bits } });
    expect([...outputs.wide.data]).toEqual([1, -2, 0.5]);
    expect(outputs.y.data).toEqual(bits);
    await session.release();
  });

  it("runs one graph at any batch size", async () => {
    const x = new Input("x", "float32", ["batch", 2]);
    const weight = new Parameter([2, 3], Float32Array.of(1, 2, 3, 4, 5, 6));
    const session = await GraphSession.compile({ y: matmul(x, weight) });
    const one = await session.run({ x: float32([1, 2], [1, 1]) });
    expect([...one.y.data]).toEqual([5, 7, 9]);
    const two = await session.run({ x: float32([2, 2], [1, 0, 0, 1]) });
    expect(two.y.shape).toEqual([2, 3]);
    expect([...two.y.data]).toEqual([1, 2, 3, 4, 5, 6]);
    await session.release();
  });

  it("reads fed parameters anew at every run, and baked ones once", async () => {
    const weight = new Parameter([1], Float32Array.of(2));
    const x = new Input("x", "float32", [1]);
    const fed = await GraphSession.compile({ y: multiply(x, weight) }, { parameters: "fed" });
    const baked = await GraphSession.compile({ y: multiply(x, weight) });
    weight.data = Float32Array.of(5);
    expect([...(await fed.run({ x: float32([1], [3]) })).y.data]).toEqual([15]);
    expect([...(await baked.run({ x: float32([1], [3]) })).y.data]).toEqual([6]);
  });

  it("names the input that is missing, unknown or of the wrong shape", async () => {
    const session = await GraphSession.compile({ y: add(new Input("x", "float32", ["batch", 2]), 1) });
    await expect(session.run({})).rejects.toThrow(/input "x".*was not given/);
    await expect(session.run({ x: float32([2], [1, 2]) })).rejects.toThrow(ShapeError);
    await expect(session.run({ x: float32([1, 2], [1, 2]), z: float32([1], [1]) })).rejects.toThrow(
      /no input "z"/,
    );
  });
});

describe("StatefulSession", () => {
  const step = () => {
    const weight = new Parameter([3], Float32Array.of(1, 2, 3));
    const x = new Input("x", "float32", [3]);
    const next = subtract(weight, multiply(x, 0.5));
    return { weight, x, next, loss: mean(multiply(weight, x)) };
  };

  it("moves parameters to their next values and allocates no third buffer", async () => {
    const { weight, next, loss } = step();
    const session = await StatefulSession.compile({ loss }, [{ parameter: weight, next }]);
    const buffers = new Set([weight.data]);
    for (let i = 0; i < 5; i += 1) {
      const { outputs } = await session.run({ x: float32([3], [1, 0, 0]) });
      expect(outputs.loss.data[0]).toBeCloseTo((1 - i * 0.5) / 3, 6);
      buffers.add(weight.data);
    }
    expect(buffers.size).toBe(2);
    expect([...weight.data]).toEqual([1 - 2.5, 2, 3]);
  });

  it("keeps the parameters when a run is not accepted", async () => {
    const { weight, next, loss } = step();
    const session = await StatefulSession.compile({ loss }, [{ parameter: weight, next }], {
      accept: (outputs) => Number.isFinite(outputs.loss.data[0]),
    });
    const { isAccepted } = await session.run({ x: float32([3], [Number.NaN, 0, 0]) });
    expect(isAccepted).toBe(false);
    expect([...weight.data]).toEqual([1, 2, 3]);
  });

  it("refuses a parameter that is updated twice or changes its type", async () => {
    const { weight, next, loss } = step();
    const twice = [weight, weight].map((parameter) => ({ parameter, next }));
    await expect(StatefulSession.compile({ loss }, twice)).rejects.toThrow(GraphError);
    await expect(StatefulSession.compile({ loss }, [{ parameter: weight, next: loss }])).rejects.toThrow(
      /keep its type/,
    );
  });
});

describe("runOnce", () => {
  it("computes a graph of constants", async () => {
    const y = add(new Parameter([2], Float32Array.of(1, 2)), 1);
    expect([...(await runOnce({ y })).y.data]).toEqual([2, 3]);
  });
});
