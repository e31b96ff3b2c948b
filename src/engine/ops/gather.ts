/** Rows of a table by index: embeddings. */
import { ShapeError } from "../../errors.js";
import { applyOp, type Op } from "../graph/op.js";
import type { Value } from "../graph/value.js";
import { elementCount } from "../tensor/shape.js";
import { full } from "./constant.js";

/**
 * y[...] = table[indices[...]]: table [V, D], indices int64 [...] -> y [..., D].
 * An index outside 0..V-1 fails when the graph runs.
 * @example
 * import { constant, float32, gather, int64, runOnce } from "sdfn/models";
 * const table = constant(float32([3, 2], [0, 1, 2, 3, 4, 5]));
 * const indices = constant(int64([2], [2, 0]));
 * const { y } = await runOnce({ y: gather(table, indices) });
 * console.log(y.data); // Float32Array(4) [ 4, 5, 0, 1 ]
 */
export function gather(table: Value, indices: Value): Value {
  return applyOp(gatherOp, { table, indices }, undefined);
}

const gatherOp: Op<"table" | "indices"> = {
  name: "gather",
  inputs: ["table", "indices"],
  outputType({ table, indices }) {
    const [rowCount, width] = table.shape;
    if (
      rowCount === undefined ||
      width === undefined ||
      table.shape.length !== 2 ||
      indices.dtype !== "int64"
    ) {
      throw new ShapeError("gather", "needs a table [V, D] and int64 indices", { table, indices });
    }
    return { dtype: table.dtype, shape: [...indices.shape, width] };
  },
  gradient: {
    table: ({ table, indices, dy }) =>
      scatterAdd(
        full(
          table.shape.map((_, i) => table.dim(i)),
          0,
          table.dtype,
        ),
        indices,
        dy,
      ),
    indices: "not differentiable",
  },
  onnx: (graph, { table, indices }) => graph.node("Gather", [table, indices], { axis: 0 }),
};

/** y = base with updates[...] added to row indices[...]; repeated indices add up. base [V, D], updates [..., D]. */
export function scatterAdd(base: Value, indices: Value, updates: Value): Value {
  return applyOp(scatterAddOp, { base, indices, updates }, undefined);
}

const scatterAddOp: Op<"base" | "indices" | "updates"> = {
  name: "scatterAdd",
  inputs: ["base", "indices", "updates"],
  outputType: ({ base }) => base,
  gradient: {
    base: ({ dy }) => dy,
    indices: "not differentiable",
    updates: ({ indices, dy }) => gather(dy, indices),
  },
  // ScatterElements, not ScatterND: the latter adds repeated rows from several threads at once.
  onnx(graph, { base, indices, updates }, _attrs, types) {
    const count = elementCount(types.indices.shape);
    const width = elementCount(types.base.shape.slice(1));
    const column = graph.node("Reshape", [indices, graph.ints([count, 1])]);
    const everywhere = width === 1 ? column : graph.node("Expand", [column, graph.ints([count, width])]);
    const rows = graph.node("Reshape", [updates, graph.ints([count, width])]);
    return graph.node("ScatterElements", [base, everywhere, rows], { axis: 0, reduction: "add" });
  },
};
