/** Pooling over windows of an image. */
import { ShapeError } from "../../errors.js";
import { applyOp, type Op } from "../graph/op.js";
import type { TensorType, Value } from "../graph/value.js";
import type { OnnxGraph } from "../onnx/onnx-graph.js";
import { type Dim, elementCount, isStatic } from "../tensor/shape.js";
import { full } from "./constant.js";
import { scatterAdd } from "./gather.js";
import { reshape } from "./shape.js";

/** A square window and how it moves. */
export interface PoolOptions {
  readonly kernel: number;
  readonly stride: number;
  /** On every side; at most half the kernel. Max pooling ignores it, average pooling counts it as zeros. */
  readonly padding?: number;
}

type PoolAttrs = Required<PoolOptions>;

/**
 * Largest element of each window, as torch.nn.functional.max_pool2d. x [B, C, H, W] -> [B, C, Ho, Wo].
 * Among equal elements the first takes the gradient.
 */
export function maxPool2d(x: Value, { kernel, stride, padding = 0 }: PoolOptions): Value {
  return applyOp(maxPoolOp, { x }, { kernel, stride, padding });
}

const maxPoolOp: Op<"x", PoolAttrs> = {
  name: "maxPool2d",
  inputs: ["x"],
  outputType: ({ x }, attrs) => pooledType("maxPool2d", x, attrs),
  gradient: {
    x: ({ x, dy, attrs }) => {
      const indices = applyOp(maxPoolIndicesOp, { x }, attrs); // where each largest element lies in the flattened x
      const column = (value: Value) => reshape(value, [elementCount(value.shape), 1]);
      const zeros = full([elementCount(x.shape), 1], 0, x.dtype);
      return reshape(scatterAdd(zeros, reshape(indices, [elementCount(indices.shape)]), column(dy)), x.shape);
    },
  },
  onnx: (graph, { x }, attrs, types) => maxPoolOutputs(graph, x, attrs, types.x)[0] as string,
};

const maxPoolIndicesOp: Op<"x", PoolAttrs> = {
  name: "maxPool2d indices",
  inputs: ["x"],
  outputType: ({ x }, attrs) => ({ ...pooledType("maxPool2d", x, attrs), dtype: "int64" }),
  gradient: { x: "not differentiable" },
  onnx: (graph, { x }, attrs, types) => maxPoolOutputs(graph, x, attrs, types.x)[1] as string,
};

/** One node gives both outputs, so that the gradient does not pool again. Inference graphs leave the indices out. */
function maxPoolOutputs(graph: OnnxGraph, x: string, attrs: PoolAttrs, type: TensorType): readonly string[] {
  return graph.nodeOutputs("MaxPool", [x], poolAttributes(attrs), {
    outputCount: isStatic(type.shape) ? 2 : 1,
  });
}

function pooledType(where: string, x: TensorType, { kernel, stride, padding }: PoolAttrs) {
  const [batch, channels, h, w] = x.shape;
  if (batch === undefined || channels === undefined || x.shape.length !== 4) {
    throw new ShapeError(where, "needs x [B, C, H, W]", { x });
  }
  if (padding > kernel / 2)
    throw new ShapeError(where, `padding ${padding} is more than half of kernel ${kernel}`);
  const out = (length: Dim | undefined) => Math.floor((Number(length) + 2 * padding - kernel) / stride) + 1;
  if (!(out(h) >= 1 && out(w) >= 1)) throw new ShapeError(where, `a window of ${kernel} does not fit`, { x });
  return { dtype: x.dtype, shape: [batch, channels, out(h), out(w)] };
}

function poolAttributes({ kernel, stride, padding }: PoolAttrs) {
  return {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
  };
}
