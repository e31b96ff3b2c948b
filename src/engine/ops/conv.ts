/** Two-dimensional convolution and its two gradients; each is the others' transpose. */
import { ShapeError } from "../../errors.js";
import { applyOp, type Op } from "../graph/op.js";
import type { Value } from "../graph/value.js";
import { type Dim, requireStatic, type StaticShape } from "../tensor/shape.js";
import {
  addConvolution,
  addFilterGradient,
  addInputGradient,
  type ConvAttributes,
  filterGradientWorkspaceBytes,
} from "./conv-nodes.js";

/** How a kernel moves over an image; the same along height and width. */
export interface ConvOptions {
  readonly stride?: number;
  /** Zeros added on every side. */
  readonly padding?: number;
  readonly dilation?: number;
}

/**
 * y[b, o, i, j] = sum over c, k, l of x[b, c, s·i + d·k - p, s·j + d·l - p] · w[o, c, k, l], as torch.nn.functional.conv2d.
 * x [B, Ci, H, W], weight [Co, Ci, kH, kW] -> y [B, Co, Ho, Wo], Ho = floor((H + 2p - d(kH - 1) - 1) / s) + 1.
 * @throws ShapeError when channels differ or the kernel does not fit.
 */
export function conv2d(
  x: Value,
  weight: Value,
  { stride = 1, padding = 0, dilation = 1 }: ConvOptions = {},
): Value {
  return applyOp(convOp, { x, weight }, { stride, padding, dilation });
}

const convOp: Op<"x" | "weight", ConvAttributes> = {
  name: "conv2d",
  inputs: ["x", "weight"],
  outputType({ x, weight }, attrs) {
    const [batch, ci, h, w] = x.shape;
    const [co, ciOfWeight, kh, kw] = weight.shape;
    if (batch === undefined || x.shape.length !== 4 || co === undefined || weight.shape.length !== 4) {
      throw new ShapeError("conv2d", "needs x [B, C, H, W] and weight [O, C, K, L]", { x, weight });
    }
    if (ci !== ciOfWeight)
      throw new ShapeError("conv2d", `channels differ: ${ci} and ${ciOfWeight}`, { x, weight });
    const ho = outputLength(h, kh, attrs);
    const wo = outputLength(w, kw, attrs);
    if (ho < 1 || wo < 1)
      throw new ShapeError("conv2d", "the kernel does not fit into the image", { x, weight });
    return { dtype: x.dtype, shape: [batch, co, ho, wo] };
  },
  gradient: {
    x: ({ x, weight, dy, attrs }) => conv2dInputGradient(dy, weight, x.shape, attrs),
    weight: ({ x, weight, dy, attrs }) => filterGradient(x, dy, weight.shape, attrs),
  },
  onnx: (graph, { x, weight }, attrs, types) =>
    addConvolution(graph, x, weight, attrs, types.x.shape, types.weight.shape),
};

function outputLength(length: Dim | undefined, kernel: Dim | undefined, attrs: ConvAttributes): number {
  if (typeof length !== "number" || typeof kernel !== "number") {
    throw new ShapeError("conv2d", "height, width and kernel must be numbers", {
      length: `${length}`,
      kernel: `${kernel}`,
    });
  }
  return Math.floor((length + 2 * attrs.padding - attrs.dilation * (kernel - 1) - 1) / attrs.stride) + 1;
}

type GradientAttrs = ConvAttributes & { /** Shape of the gradient. */ readonly shape: StaticShape };

/** The transpose of conv2d in x: dX of `shape` [B, Ci, H, W] from g = dY [B, Co, Ho, Wo] and weight [Co, Ci, kH, kW]. */
function conv2dInputGradient(g: Value, weight: Value, shape: Value["shape"], attrs: ConvAttributes): Value {
  return applyOp(inputGradientOp, { g, weight }, { ...attrs, shape: requireStatic("conv2d", shape) });
}

const inputGradientOp: Op<"g" | "weight", GradientAttrs> = {
  name: "conv2d input gradient",
  inputs: ["g", "weight"],
  outputType: ({ g }, { shape }) => ({ dtype: g.dtype, shape }),
  gradient: {
    g: ({ weight, dy, attrs }) => conv2d(dy, weight, attrs),
    weight: ({ g, weight, dy, attrs }) => filterGradient(dy, g, weight.shape, attrs),
  },
  onnx: (graph, { g, weight }, attrs, types) =>
    addInputGradient(graph, g, weight, attrs, attrs.shape, requireStatic("conv2d", types.weight.shape)),
};

/** dW [Co, Ci, kH, kW] from X and g = dY. */
function filterGradient(x: Value, g: Value, shape: Value["shape"], attrs: ConvAttributes): Value {
  return applyOp(filterGradientOp, { x, g }, { ...attrs, shape: requireStatic("conv2d", shape) });
}

const filterGradientOp: Op<"x" | "g", GradientAttrs> = {
  name: "conv2d filter gradient",
  inputs: ["x", "g"],
  outputType: ({ x }, { shape }) => ({ dtype: x.dtype, shape }),
  gradient: {
    x: ({ x, g, dy, attrs }) => conv2dInputGradient(g, dy, x.shape, attrs),
    g: ({ x, dy, attrs }) => conv2d(x, dy, attrs),
  },
  onnx: (graph, { x, g }, attrs, types) =>
    addFilterGradient(graph, x, g, attrs, requireStatic("conv2d", types.x.shape), attrs.shape),
  workspaceBytes: (attrs, { x }) =>
    filterGradientWorkspaceBytes(attrs, requireStatic("conv2d", x.shape), attrs.shape),
};
