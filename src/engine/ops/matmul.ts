/** Batched matrix product. */
import { ShapeError } from "../../errors.js";
import { applyOp, type Op } from "../graph/op.js";
import type { Value } from "../graph/value.js";
import { broadcastShapes } from "../tensor/shape.js";
import { reshape, transposeLast } from "./shape.js";

/**
 * y = a · b over the last two axes; leading axes broadcast.
 * a [..., M, K], b [..., K, N] -> y [..., M, N].
 * @throws ShapeError when an input has fewer than two axes or the two K differ.
 * @example
 * import { constant, float32, matmul, runOnce } from "sdfn/models";
 * const a = constant(float32([1, 2], [1, 2]));
 * const b = constant(float32([2, 2], [1, 0, 0, 3]));
 * const { y } = await runOnce({ y: matmul(a, b) });
 * console.log(y.data); // Float32Array(2) [ 1, 6 ]
 */
export function matmul(a: Value, b: Value): Value {
  return applyOp(matmulOp, { a, b }, undefined);
}

const matmulOp: Op<"a" | "b"> = {
  name: "matmul",
  inputs: ["a", "b"],
  outputType({ a, b }) {
    const [m, k] = a.shape.slice(-2);
    const [kOfB, n] = b.shape.slice(-2);
    if (m === undefined || k === undefined || kOfB === undefined || n === undefined) {
      throw new ShapeError("matmul", "a and b need at least two axes", { a, b });
    }
    if (k !== kOfB) throw new ShapeError("matmul", `inner sizes differ: ${k} and ${kOfB}`, { a, b });
    const batch = broadcastShapes("matmul", a.shape.slice(0, -2), b.shape.slice(0, -2));
    return { dtype: a.dtype, shape: [...batch, m, n] };
  },
  gradient: {
    a: ({ b, dy }) => matmul(dy, transposeLast(b)), // dA = dY · Bᵀ
    // dB = Aᵀ · dY; for one B under a batch of A, the batch becomes rows: one product instead of a sum of many
    b: ({ a, b, dy }) =>
      b.rank === 2 && a.rank > 2 ? matmul(transposeLast(rows(a)), rows(dy)) : matmul(transposeLast(a), dy),
  },
  onnx: (graph, { a, b }) => graph.node("MatMul", [a, b]),
};

/** Leading axes flattened: [..., M, N] -> [.. · M, N]. */
function rows(x: Value): Value {
  const count = x.shape.slice(0, -1).reduce<number>((product, _, axis) => product * x.dim(axis), 1);
  return reshape(x, [count, x.dim(-1)]);
}
