import { describe, expect, it } from "vitest";
import { GraphError, ShapeError } from "../../errors.js";
import { parseModel } from "../onnx/onnx-graph.js";
import { lower } from "./lower.js";
import { applyOp, type Op } from "./op.js";
import { topologicalOrder } from "./traversal.js";
import { Constant, Input, Parameter, type Value } from "./value.js";

const sumOp: Op<"a" | "b"> = {
  name: "sum",
  inputs: ["a", "b"],
  outputType: ({ a }) => a,
  gradient: { a: "not differentiable", b: "not differentiable" },
  onnx: (graph, { a, b }) => graph.node("Add", [a, b]),
};
const sum = (a: Value, b: Value) => applyOp(sumOp, { a, b }, undefined);

describe("graphs", () => {
  it("list inputs before the results that use them, each once, however deep", () => {
    const x = new Input("x", "float32", [1]);
    let y: Value = x;
    for (let i = 0; i < 20_000; i += 1) y = sum(y, y);
    const order = topologicalOrder([y]);
    expect(order).toHaveLength(20_001);
    expect(order[0]).toBe(x);
    expect(order.at(-1)).toBe(y);
  });

  it("write equal subgraphs once", () => {
    const x = new Input("x", "float32", [2]);
    const one = sum(sum(x, x), x);
    const other = sum(sum(x, x), x);
    const { model } = lower({ y: sum(one, other) }, { parameters: "baked" });
    expect(parseModel(model).graph?.node).toHaveLength(3); // x + x, + x, and the sum of the two
  });

  it("share equal small constants, whatever object holds them", () => {
    const x = new Input("x", "float32", [2]);
    const c = () => new Constant({ dtype: "float32", shape: [2], data: Float32Array.of(1, 2) });
    const { model } = lower({ y: sum(sum(x, c()), c()) }, { parameters: "baked" });
    expect(parseModel(model).graph?.initializer).toHaveLength(1);
  });

  it("bake parameters as constants or declare them as inputs", () => {
    const weight = new Parameter([2], Float32Array.of(3, 4));
    const baked = lower({ y: sum(weight, weight) }, { parameters: "baked" });
    expect(baked.parameters.size).toBe(0);
    expect(parseModel(baked.model).graph?.initializer).toHaveLength(1);
    const fed = lower({ y: sum(weight, weight) }, { parameters: "fed" });
    expect([...fed.parameters.values()]).toEqual([weight]);
    expect(parseModel(fed.model).graph?.input).toHaveLength(1);
  });

  it("keep the batch axis symbolic in the model", () => {
    const x = new Input("x", "float32", ["batch", 3]);
    const { model } = lower({ y: sum(x, x) }, { parameters: "baked" });
    const type = parseModel(model).graph?.output[0]?.type?.value;
    expect(type?.value?.shape?.dim[0]?.value).toEqual({ case: "dimParam", value: "batch" });
  });

  it("refuse two different inputs of one name", () => {
    const y = sum(new Input("x", "float32", [2]), new Input("x", "float32", [2]));
    expect(() => lower({ y }, { parameters: "baked" })).toThrow(GraphError);
  });

  it("refuse a parameter whose values do not fill its shape, and a model that is none", () => {
    expect(() => new Parameter([2, 3], new Float32Array(5))).toThrow(ShapeError);
    expect(() => parseModel(Uint8Array.of(255, 255, 255))).toThrow(GraphError);
  });
});
