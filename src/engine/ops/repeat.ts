/** What is the same for every example, repeated for each. */
import { applyOp, type Op } from "../graph/op.js";
import type { Value } from "../graph/value.js";
import { int64 } from "../tensor/tensor.js";
import { sum } from "./reduce.js";

/**
 * x once for every example of `like`, whose batch may be a symbol: x [...], like [B, ...] -> y [B, ...x].
 * @example
 * import { constant, float32, Input, repeatForBatch } from "sdfn/models";
 * const token = constant(float32([1, 3], [1, 2, 3]));
 * const regions = new Input("regions", "float32", ["batch", 4, 3]);
 * console.log(repeatForBatch(token, regions).shape); // [ 'batch', 1, 3 ]
 */
export function repeatForBatch(x: Value, like: Value): Value {
  return applyOp(repeatForBatchOp, { x, like }, undefined);
}

const repeatForBatchOp: Op<"x" | "like"> = {
  name: "repeatForBatch",
  inputs: ["x", "like"],
  outputType: ({ x, like }) => ({ dtype: x.dtype, shape: [like.shape[0] ?? 1, ...x.shape] }),
  gradient: {
    x: ({ dy }) => sum(dy, { axes: [0] }),
    like: "not differentiable",
  },
  onnx(graph, { x, like }, _attrs, { x: type }) {
    const batch = graph.node("Gather", [graph.node("Shape", [like]), graph.constant(int64([1], [0]))]);
    const ones = graph.ints(type.shape.map(() => 1));
    const shape = type.shape.length === 0 ? batch : graph.node("Concat", [batch, ones], { axis: 0 });
    return graph.node("Expand", [x, shape]);
  },
};
