/** Ops that move or repeat elements without computing: reshape, transpose, concat, slice, pad, broadcast. */
import { ShapeError } from "../../errors.js";
import { applyOp, type Op } from "../graph/op.js";
import type { Value } from "../graph/value.js";
import {
  broadcastShapes,
  type Dim,
  formatShape,
  normaliseAxis,
  type Shape,
  sameShape,
} from "../tensor/shape.js";

/**
 * The same elements in another shape, row-major. Symbolic axes must stay in both shapes, in their order.
 * @example
 * import { constant, float32, reshape } from "sdfn/models";
 * const x = constant(float32([2, 3], [1, 2, 3, 4, 5, 6]));
 * console.log(reshape(x, [3, 2]).shape); // [ 3, 2 ]
 */
export function reshape(x: Value, shape: Shape): Value {
  return sameShape(x.shape, shape) ? x : applyOp(reshapeOp, { x }, { shape });
}

const reshapeOp: Op<"x", { shape: Shape }> = {
  name: "reshape",
  inputs: ["x"],
  outputType({ x }, { shape }) {
    if (fixedCount(x.shape) !== fixedCount(shape) || symbols(x.shape).join() !== symbols(shape).join()) {
      throw new ShapeError("reshape", `cannot give ${formatShape(shape)}`, { x });
    }
    return { dtype: x.dtype, shape };
  },
  gradient: { x: ({ x, dy }) => reshape(dy, x.shape) },
  onnx(graph, { x }, { shape }, types) {
    const from = types.x.shape;
    // ONNX copies the length of the same axis for 0, and works one out for -1.
    const sizes = shape.map((dim, axis) => (typeof dim === "number" ? dim : from[axis] === dim ? 0 : -1));
    const isOneOpen = sizes.filter((size) => size === -1).length <= 1;
    if (isOneOpen) return graph.node("Reshape", [x, graph.ints(sizes)], { allowzero: 0 });
    if (!sameShape(withoutOnes(from), withoutOnes(shape))) {
      throw new ShapeError("reshape", `cannot move two symbolic axes to ${formatShape(shape)}`, types);
    }
    const squeezed = graph.node("Squeeze", [x, graph.ints(onesOf(from))]);
    const added = onesOf(shape);
    return added.length === 0 ? squeezed : graph.node("Unsqueeze", [squeezed, graph.ints(added)]);
  },
};

function onesOf(shape: Shape): number[] {
  return shape.flatMap((dim, axis) => (dim === 1 ? [axis] : []));
}

function withoutOnes(shape: Shape): Shape {
  return shape.filter((dim) => dim !== 1);
}

function fixedCount(shape: Shape): number {
  return shape.reduce<number>((product, dim) => (typeof dim === "number" ? product * dim : product), 1);
}

function symbols(shape: Shape): readonly Dim[] {
  return shape.filter((dim) => typeof dim === "string");
}

/**
 * x with a new axis of length 1 before `axis`: [..] -> [.., 1, ..].
 * @example
 * import { constant, expandDims, float32 } from "sdfn/models";
 * const x = constant(float32([2, 3], [1, 2, 3, 4, 5, 6]));
 * console.log(expandDims(x, 0).shape); // [ 1, 2, 3 ]
 */
export function expandDims(x: Value, axis: number): Value {
  const at = normaliseAxis("expandDims", axis, x.rank + 1);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

/**
 * Axes in another order: y.shape[i] = x.shape[order[i]].
 * @example
 * import { constant, float32, runOnce, transpose } from "sdfn/models";
 * const x = constant(float32([2, 3], [1, 2, 3, 4, 5, 6]));
 * const { y } = await runOnce({ y: transpose(x, [1, 0]) });
 * console.log(y.data); // Float32Array(6) [ 1, 4, 2, 5, 3, 6 ]
 */
export function transpose(x: Value, order: readonly number[]): Value {
  return applyOp(transposeOp, { x }, { order });
}

/**
 * The last two axes swapped.
 * @example
 * import { constant, float32, runOnce, transposeLast } from "sdfn/models";
 * const x = constant(float32([2, 3], [1, 2, 3, 4, 5, 6]));
 * const { y } = await runOnce({ y: transposeLast(x) });
 * console.log(y.data); // Float32Array(6) [ 1, 4, 2, 5, 3, 6 ]
 */
export function transposeLast(x: Value): Value {
  const order = x.shape.map((_, axis) => axis);
  return transpose(x, [...order.slice(0, -2), ...order.slice(-2).reverse()]);
}

const transposeOp: Op<"x", { order: readonly number[] }> = {
  name: "transpose",
  inputs: ["x"],
  outputType({ x }, { order }) {
    const isPermutation =
      order.length === x.shape.length && order.toSorted((a, b) => a - b).every((axis, i) => axis === i);
    if (!isPermutation)
      throw new ShapeError("transpose", `[${order.join(", ")}] is not an order of the axes`, { x });
    return { dtype: x.dtype, shape: order.map((axis) => x.shape[axis] as Dim) };
  },
  gradient: {
    x: ({ dy, attrs: { order } }) =>
      transpose(
        dy,
        order.map((_, axis) => order.indexOf(axis)),
      ),
  },
  onnx: (graph, { x }, { order }) => graph.node("Transpose", [x], { perm: order }),
};

/**
 * x repeated along axes of length 1 (and new leading ones) until it has `shape`.
 * @example
 * import { broadcastTo, constant, float32, runOnce } from "sdfn/models";
 * const x = constant(float32([2], [1, 2]));
 * const { y } = await runOnce({ y: broadcastTo(x, [2, 2]) });
 * console.log(y.data); // Float32Array(4) [ 1, 2, 1, 2 ]
 */
export function broadcastTo(x: Value, shape: Shape): Value {
  return sameShape(x.shape, shape) ? x : applyOp(broadcastToOp, { x }, { shape });
}

const broadcastToOp: Op<"x", { shape: Shape }> = {
  name: "broadcastTo",
  inputs: ["x"],
  outputType({ x }, { shape }) {
    if (!sameShape(broadcastShapes("broadcastTo", x.shape, shape), shape)) {
      throw new ShapeError("broadcastTo", `cannot give ${formatShape(shape)}`, { x });
    }
    const added = shape.length - x.shape.length;
    if (shape.some((dim, axis) => typeof dim === "string" && x.shape[axis - added] !== dim)) {
      throw new ShapeError("broadcastTo", `a symbolic axis of ${formatShape(shape)} is not in x`, { x });
    }
    return { dtype: x.dtype, shape };
  },
  gradient: { x: ({ dy }) => dy }, // the engine sums the repeated axes
  // ONNX's Expand keeps an axis whose target is 1, which is what a symbolic one needs.
  onnx: (graph, { x }, { shape }) =>
    graph.node("Expand", [x, graph.ints(shape.map((dim) => (typeof dim === "string" ? 1 : dim)))]),
};

/**
 * Values joined along one axis; all others agree. Where one of them has a symbol for its length there, the sum is "tokens".
 * @example
 * import { concat, constant, float32, runOnce } from "sdfn/models";
 * const a = constant(float32([2], [1, 2]));
 * const b = constant(float32([2], [3, 5]));
 * const { y } = await runOnce({ y: concat([a, b], { axis: 0 }) });
 * console.log(y.data); // Float32Array(4) [ 1, 2, 3, 5 ]
 */
export function concat(values: readonly Value[], { axis }: { axis: number }): Value {
  const [first] = values;
  if (!first) throw new ShapeError("concat", "needs at least one value");
  if (values.length === 1) return first;
  const at = normaliseAxis("concat", axis, first.rank);
  const names = values.map((_, i) => `x${i}`);
  const isKnown = values.every((value) => typeof value.shape[at] === "number");
  const startOf = (i: number) => values.slice(0, i).reduce((offset, value) => offset + value.dim(at), 0);
  const op: Op<string> = {
    name: "concat",
    inputs: names,
    outputType(types) {
      const shapes = names.map((name) => types[name]?.shape ?? []);
      const isOdd = (shape: Shape) =>
        shape.length !== first.rank || shape.some((dim, i) => i !== at && dim !== first.shape[i]);
      if (shapes.some(isOdd)) {
        throw new ShapeError("concat", `axes other than ${at} differ`, types);
      }
      const total: Dim = isKnown ? startOf(values.length) : "tokens";
      return { dtype: first.dtype, shape: first.shape.map((dim, i) => (i === at ? total : dim)) };
    },
    gradient: Object.fromEntries(
      names.map((name, i) => [
        name,
        ({ dy }: { dy: Value }) => {
          const start = startOf(i);
          return slice(dy, { axis: at, start, end: start + (values[i] as Value).dim(at) });
        },
      ]),
    ),
    onnx: (graph, inputs) =>
      graph.node(
        "Concat",
        names.map((name) => inputs[name] as string),
        { axis: at },
      ),
  };
  return applyOp(op, Object.fromEntries(values.map((value, i) => [`x${i}`, value])), undefined);
}

/** A range of one axis: elements start, start + step, ... below end. */
export interface SliceOptions {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly step?: number;
}

/**
 * x[.., start:end:step, ..] along one axis; 0 <= start < end <= length. Whether a symbolic axis is long enough shows at run time.
 * @example
 * import { constant, float32, runOnce, slice } from "sdfn/models";
 * const x = constant(float32([2, 3], [1, 2, 3, 4, 5, 6]));
 * const { y } = await runOnce({ y: slice(x, { axis: 1, start: 0, end: 2 }) });
 * console.log(y.data); // Float32Array(4) [ 1, 2, 4, 5 ]
 */
export function slice(x: Value, { axis, start, end, step = 1 }: SliceOptions): Value {
  const at = normaliseAxis("slice", axis, x.rank);
  return applyOp(sliceOp, { x }, { axis: at, start, end, step });
}

const sliceOp: Op<"x", Required<SliceOptions>> = {
  name: "slice",
  inputs: ["x"],
  outputType({ x }, { axis, start, end, step }) {
    const length = x.shape[axis];
    const isTooShort = typeof length === "number" && end > length;
    if (length === undefined || start < 0 || isTooShort || start >= end || step < 1) {
      throw new ShapeError("slice", `cannot take ${start}:${end}:${step} of axis ${axis}`, { x });
    }
    return {
      dtype: x.dtype,
      shape: x.shape.map((dim, i) => (i === axis ? Math.ceil((end - start) / step) : dim)),
    };
  },
  gradient: {
    x({ x, dy, attrs: { axis, start, step } }) {
      const spread = step === 1 ? dy : interleaveZeros(dy, axis, step);
      return pad(spread, { axis, before: start, after: x.dim(axis) - start - spread.dim(axis) });
    },
  },
  onnx: (graph, { x }, { axis, start, end, step }) =>
    graph.node("Slice", [x, graph.ints([start]), graph.ints([end]), graph.ints([axis]), graph.ints([step])]),
};

/** step - 1 zeros between neighbours of one axis: length n -> (n - 1) * step + 1. */
function interleaveZeros(x: Value, axis: number, step: number): Value {
  const length = x.dim(axis);
  const padded = pad(expandDims(x, axis + 1), { axis: axis + 1, before: 0, after: step - 1 });
  const flat = reshape(
    padded,
    x.shape.map((dim, i) => (i === axis ? length * step : dim)),
  );
  return slice(flat, { axis, start: 0, end: (length - 1) * step + 1 });
}

export interface PadOptions {
  readonly axis: number;
  readonly before: number;
  readonly after: number;
}

/**
 * Zeros added before and after one axis.
 * @example
 * import { constant, float32, pad, runOnce } from "sdfn/models";
 * const x = constant(float32([2], [1, 2]));
 * const { y } = await runOnce({ y: pad(x, { axis: 0, before: 1, after: 0 }) });
 * console.log(y.data); // Float32Array(3) [ 0, 1, 2 ]
 */
export function pad(x: Value, { axis, before, after }: PadOptions): Value {
  if (before === 0 && after === 0) return x;
  return applyOp(padOp, { x }, { axis: normaliseAxis("pad", axis, x.rank), before, after });
}

const padOp: Op<"x", PadOptions> = {
  name: "pad",
  inputs: ["x"],
  outputType({ x }, { axis, before, after }) {
    const length = x.shape[axis];
    if (typeof length !== "number" || before < 0 || after < 0) {
      throw new ShapeError("pad", `cannot add ${before} and ${after} to axis ${axis}`, { x });
    }
    return { dtype: x.dtype, shape: x.shape.map((dim, i) => (i === axis ? length + before + after : dim)) };
  },
  gradient: {
    x: ({ x, dy, attrs: { axis, before } }) => slice(dy, { axis, start: before, end: before + x.dim(axis) }),
  },
  onnx(graph, { x }, { axis, before, after }, { x: type }) {
    const at = (amount: number) => type.shape.map((_, i) => (i === axis ? amount : 0));
    return graph.node("Pad", [x, graph.ints([...at(before), ...at(after)])]);
  },
};
