/**
 * The ONNX nodes of a convolution and its gradients. ONNX Runtime has no kernel for the gradients, and its Conv is
 * slow where maps are small; which formulation is fastest depends on the sizes (measured: docs/decisions/0001-engine.md).
 */
import type { OnnxGraph } from "../onnx/onnx-graph.js";
import { isStatic, type Shape, type StaticShape } from "../tensor/shape.js";

export interface ConvAttributes {
  readonly stride: number;
  /** Zeros on every side. */
  readonly padding: number;
  readonly dilation: number;
}

/** Maps of up to this many positions are gathered into one matrix product over batch and positions. */
const smallMapPositions = 16;
/** Above this many positions a pointwise filter gradient is one product an image, below one over the whole batch. */
const largeMapPositions = 256;

/** All sizes of one convolution. */
interface Sizes extends ConvAttributes {
  readonly batch: number;
  readonly ci: number;
  readonly h: number;
  readonly w: number;
  readonly co: number;
  readonly kh: number;
  readonly kw: number;
  readonly ho: number;
  readonly wo: number;
}

function sizesOf(attrs: ConvAttributes, xShape: StaticShape, weightShape: StaticShape): Sizes {
  const [batch = 0, ci = 0, h = 0, w = 0] = xShape;
  const [co = 0, , kh = 0, kw = 0] = weightShape;
  const { stride, padding, dilation } = attrs;
  const out = (length: number, k: number) =>
    Math.floor((length + 2 * padding - dilation * (k - 1) - 1) / stride) + 1;
  return { ...attrs, batch, ci, h, w, co, kh, kw, ho: out(h, kh), wo: out(w, kw) };
}

/** Y [B, Co, Ho, Wo]. */
export function addConvolution(
  graph: OnnxGraph,
  x: string,
  weight: string,
  attrs: ConvAttributes,
  xShape: Shape,
  weightShape: Shape,
): string {
  // Any batch size means an inference graph: there ONNX Runtime lays the constant weights out for its own Conv.
  if (isStatic(xShape) && isStatic(weightShape)) {
    const sizes = sizesOf(attrs, xShape, weightShape);
    if (isPointwise(sizes)) return pointwise(graph, x, weight, sizes);
    if (isSmall(sizes)) return gatheredConvolution(graph, x, weight, sizes);
  }
  return graph.node("Conv", [x, weight], convAttributes(attrs));
}

/** dX [B, Ci, H, W] from dY and W. */
export function addInputGradient(
  graph: OnnxGraph,
  g: string,
  weight: string,
  attrs: ConvAttributes,
  xShape: StaticShape,
  weightShape: StaticShape,
): string {
  const sizes = sizesOf(attrs, xShape, weightShape);
  if (isPointwise(sizes)) return pointwiseInputGradient(graph, g, weight, sizes);
  if (isSmall(sizes)) return gatheredInputGradient(graph, g, weight, sizes);
  const { stride, padding, dilation, kh, kw } = sizes;
  const padH = dilation * (kh - 1) - padding;
  const padW = dilation * (kw - 1) - padding;
  if (stride === 1 && padH >= 0 && padW >= 0) {
    // A convolution with the flipped kernel: about 1.3 times as fast as ConvTranspose on this runtime.
    const flipped = graph.node("Slice", [
      graph.node("Transpose", [weight], { perm: [1, 0, 2, 3] }),
      graph.ints([kh - 1, kw - 1]),
      graph.ints([-kh - 1, -kw - 1]),
      graph.ints([2, 3]),
      graph.ints([-1, -1]),
    ]);
    return graph.node("Conv", [g, flipped], {
      pads: [padH, padW, padH, padW],
      dilations: [dilation, dilation],
    });
  }
  const unreached = (length: number, out: number, k: number) =>
    length + 2 * padding - (out - 1) * stride - dilation * (k - 1) - 1;
  return graph.node("ConvTranspose", [g, weight], {
    ...convAttributes(attrs),
    output_padding: [unreached(sizes.h, sizes.ho, kh), unreached(sizes.w, sizes.wo, kw)],
  });
}

/** dW [Co, Ci, kH, kW] from X and dY: columns of X (what each kernel position meets) times dY, summed over positions. */
export function addFilterGradient(
  graph: OnnxGraph,
  x: string,
  g: string,
  attrs: ConvAttributes,
  xShape: StaticShape,
  weightShape: StaticShape,
): string {
  const sizes = sizesOf(attrs, xShape, weightShape);
  if (isSmall(sizes) && !isPointwise(sizes)) return gatheredFilterGradient(graph, x, g, sizes);
  // One product an image makes one filter an image, which must be smaller than the columns.
  const isStrided = sizes.stride > 1 && sizes.kh > 1 && sizes.co <= sizes.ho * sizes.wo;
  const isLargePointwise = sizes.kh === 1 && sizes.kw === 1 && sizes.ho * sizes.wo > largeMapPositions;
  return isStrided || isLargePointwise
    ? filterGradientByImage(graph, x, g, sizes)
    : filterGradientAtOnce(graph, x, g, sizes);
}

/**
 * What `addFilterGradient` holds: the slices of X for every kernel position, and the columns that they are joined to. For
 * a first layer of few channels and a large kernel that is more than all activations of a thin network.
 */
export function filterGradientWorkspaceBytes(
  attrs: ConvAttributes,
  xShape: StaticShape,
  weightShape: StaticShape,
): number {
  const { batch, ci, kh, kw, ho, wo } = sizesOf(attrs, xShape, weightShape);
  const columns = batch * kh * kw * ci * ho * wo * Float32Array.BYTES_PER_ELEMENT;
  return kh * kw === 1 ? 0 : 2 * columns;
}

function convAttributes({ stride, padding, dilation }: ConvAttributes) {
  return {
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
    dilations: [dilation, dilation],
  };
}

function isPointwise({ kh, kw, stride, padding }: Sizes): boolean {
  return kh === 1 && kw === 1 && stride === 1 && padding === 0;
}

function isSmall({ ho, wo, stride }: Sizes): boolean {
  return ho * wo <= smallMapPositions && stride <= 2;
}

// --- 1x1 kernels at stride 1: matrix products over channels ---

function pointwise(graph: OnnxGraph, x: string, weight: string, { batch, co, ci, h, w }: Sizes): string {
  const matrix = graph.node("Reshape", [weight, graph.ints([co, ci])]);
  const product = graph.node("MatMul", [matrix, graph.node("Reshape", [x, graph.ints([batch, ci, h * w])])]);
  return graph.node("Reshape", [product, graph.ints([batch, co, h, w])]);
}

function pointwiseInputGradient(
  graph: OnnxGraph,
  g: string,
  weight: string,
  { batch, co, ci, h, w }: Sizes,
): string {
  const matrix = graph.node("Transpose", [graph.node("Reshape", [weight, graph.ints([co, ci])])], {
    perm: [1, 0],
  });
  const product = graph.node("MatMul", [matrix, graph.node("Reshape", [g, graph.ints([batch, co, h * w])])]);
  return graph.node("Reshape", [product, graph.ints([batch, ci, h, w])]);
}

// --- Small maps: positions gathered in layout [C, positions, B], one product over positions and batch ---

/** Y: W [Co, Ci·k²] · columns [Ci·k², P·B]. */
function gatheredConvolution(graph: OnnxGraph, x: string, weight: string, sizes: Sizes): string {
  const { co, ci, kh, kw, ho, wo } = sizes;
  const matrix = graph.node("Reshape", [weight, graph.ints([co, ci * kh * kw])]);
  return batchFirst(graph, graph.node("MatMul", [matrix, gatheredColumns(graph, x, sizes)]), sizes, [
    co,
    ho,
    wo,
  ]);
}

/** dX: W with Co and Ci exchanged [Ci, Co·k²] · columns of dY [Co·k², H·W·B]. */
function gatheredInputGradient(graph: OnnxGraph, g: string, weight: string, sizes: Sizes): string {
  const { co, ci, kh, kw, h, w, ho, wo, batch } = sizes;
  const sources = positions(h, w, sizes, (y, x, k, l) => {
    const i = (y + sizes.padding - k * sizes.dilation) / sizes.stride;
    const j = (x + sizes.padding - l * sizes.dilation) / sizes.stride;
    return Number.isInteger(i) && Number.isInteger(j) && i >= 0 && i < ho && j >= 0 && j < wo
      ? i * wo + j
      : ho * wo;
  });
  const columns = gatherPositions(graph, batchLast(graph, g, [batch, co, ho * wo]), sources);
  const exchanged = graph.node("Transpose", [weight], { perm: [1, 0, 2, 3] });
  const matrix = graph.node("Reshape", [exchanged, graph.ints([ci, co * kh * kw])]);
  const product = graph.node("MatMul", [
    matrix,
    graph.node("Reshape", [columns, graph.ints([co * kh * kw, h * w * batch])]),
  ]);
  return batchFirst(graph, product, sizes, [ci, h, w]);
}

/** dW: dY [Co, P·B] · columnsᵀ; the columns are those of the forward pass, and shared with it. */
function gatheredFilterGradient(graph: OnnxGraph, x: string, g: string, sizes: Sizes): string {
  const { batch, co, ci, kh, kw, ho, wo } = sizes;
  const rows = graph.node("Reshape", [
    batchLast(graph, g, [batch, co, ho * wo]),
    graph.ints([co, ho * wo * batch]),
  ]);
  return graph.node("Reshape", [
    timesTransposed(graph, rows, gatheredColumns(graph, x, sizes)),
    graph.ints([co, ci, kh, kw]),
  ]);
}

function gatheredColumns(graph: OnnxGraph, x: string, sizes: Sizes): string {
  const { batch, ci, h, w, kh, kw, ho, wo, stride, padding, dilation } = sizes;
  const sources = positions(ho, wo, sizes, (i, j, k, l) => {
    const y = i * stride + k * dilation - padding;
    const x = j * stride + l * dilation - padding;
    return y >= 0 && y < h && x >= 0 && x < w ? y * w + x : h * w;
  });
  const columns = gatherPositions(graph, batchLast(graph, x, [batch, ci, h * w]), sources);
  return graph.node("Reshape", [columns, graph.ints([ci * kh * kw, ho * wo * batch])]);
}

/** For every kernel position (outer) and map position (inner), where its value comes from. */
function positions(
  height: number,
  width: number,
  { kh, kw }: Sizes,
  source: (i: number, j: number, k: number, l: number) => number,
): number[] {
  const result: number[] = [];
  for (let k = 0; k < kh; k += 1) {
    for (let l = 0; l < kw; l += 1) {
      for (let i = 0; i < height; i += 1) {
        for (let j = 0; j < width; j += 1) result.push(source(i, j, k, l));
      }
    }
  }
  return result;
}

/** Rows `sources` of axis 1 of [C, positions, B]; the one past the last position is zero. */
function gatherPositions(graph: OnnxGraph, value: string, sources: readonly number[]): string {
  const padded = graph.node("Pad", [value, graph.ints([0, 0, 0, 0, 1, 0])]);
  const indices = graph.constant({ dtype: "int32", shape: [sources.length], data: Int32Array.from(sources) });
  return graph.node("Gather", [padded, indices], { axis: 1 });
}

/** [B, C, H, W] -> [C, H·W, B]. */
function batchLast(graph: OnnxGraph, value: string, shape: StaticShape): string {
  return graph.node("Transpose", [graph.node("Reshape", [value, graph.ints(shape)])], { perm: [1, 2, 0] });
}

/** [C, H·W·B] -> [B, C, H, W]. */
function batchFirst(
  graph: OnnxGraph,
  value: string,
  { batch }: Sizes,
  [c, h, w]: readonly [number, number, number],
): string {
  const split = graph.node("Reshape", [value, graph.ints([c, h * w, batch])]);
  return graph.node("Reshape", [
    graph.node("Transpose", [split], { perm: [2, 0, 1] }),
    graph.ints([batch, c, h, w]),
  ]);
}

// --- Filter gradients of larger maps: one slice of the padded X per kernel position ---

/** One product an image, summed over the batch. */
function filterGradientByImage(graph: OnnxGraph, x: string, g: string, sizes: Sizes): string {
  const { batch, ho, wo, co, ci, kh, kw } = sizes;
  const columns = graph.node("Reshape", [
    joined(graph, slices(graph, x, sizes), 1),
    graph.ints([batch, kh * kw * ci, ho * wo]),
  ]);
  const rows = graph.node("Reshape", [g, graph.ints([batch, co, ho * wo])]);
  const products = timesTransposed(graph, rows, columns); // [B, Co, k²·Ci]
  return toFilter(graph, graph.node("ReduceSum", [products, graph.ints([0])], { keepdims: 0 }), sizes);
}

/** One product over images and positions together. */
function filterGradientAtOnce(graph: OnnxGraph, x: string, g: string, sizes: Sizes): string {
  const { batch, ho, wo, co, ci, kh, kw } = sizes;
  const channelsFirst = (value: string) => graph.node("Transpose", [value], { perm: [1, 0, 2, 3] });
  const columns = joined(graph, slices(graph, channelsFirst(x), sizes), 0);
  const matrix = graph.node("Reshape", [columns, graph.ints([kh * kw * ci, batch * ho * wo])]);
  const rows = graph.node("Reshape", [channelsFirst(g), graph.ints([co, batch * ho * wo])]);
  return toFilter(graph, timesTransposed(graph, rows, matrix), sizes);
}

/** For each kernel position, the elements of the padded x it meets: kH·kW values [.., .., Ho, Wo]. */
function slices(
  graph: OnnxGraph,
  x: string,
  { stride, padding, dilation, ho, wo, kh, kw, h, w }: Sizes,
): string[] {
  const padded =
    padding === 0 ? x : graph.node("Pad", [x, graph.ints([0, 0, padding, padding, 0, 0, padding, padding])]);
  if (kh === 1 && kw === 1 && stride === 1) return [padded];
  // Strided copies are slow: take each phase of the stride once, then contiguous pieces of the phases.
  const phase = (top: number, left: number) =>
    stride === 1 ? padded : window(graph, padded, [top, left], [h + 2 * padding, w + 2 * padding], stride);
  const result: string[] = [];
  for (let k = 0; k < kh; k += 1) {
    for (let l = 0; l < kw; l += 1) {
      const [y, x0] = [k * dilation, l * dilation];
      const start = [Math.floor(y / stride), Math.floor(x0 / stride)] as const;
      result.push(window(graph, phase(y % stride, x0 % stride), start, [start[0] + ho, start[1] + wo], 1));
    }
  }
  return result;
}

function window(
  graph: OnnxGraph,
  x: string,
  start: readonly [number, number],
  end: readonly [number, number],
  step: number,
): string {
  return graph.node("Slice", [
    x,
    graph.ints(start),
    graph.ints(end),
    graph.ints([2, 3]),
    graph.ints([step, step]),
  ]);
}

function joined(graph: OnnxGraph, parts: readonly string[], axis: number): string {
  return parts.length === 1 ? (parts[0] as string) : graph.node("Concat", parts, { axis });
}

/** a · bᵀ over the last two axes. */
function timesTransposed(graph: OnnxGraph, a: string, b: string): string {
  return graph.node("FusedMatMul", [a, b], { transB: 1 }, { domain: "com.microsoft" });
}

/** [Co, kH·kW·Ci] -> [Co, Ci, kH, kW]. */
function toFilter(graph: OnnxGraph, matrix: string, { co, ci, kh, kw }: Sizes): string {
  const shape = graph.ints([co, ci, kh, kw]);
  if (kh === 1 && kw === 1) return graph.node("Reshape", [matrix, shape]);
  const byPosition = graph.node("Reshape", [matrix, graph.ints([co, kh * kw, ci])]);
  return graph.node("Reshape", [graph.node("Transpose", [byPosition], { perm: [0, 2, 1] }), shape]);
}
