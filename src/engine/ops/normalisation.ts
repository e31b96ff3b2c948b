/** Normalisations: batch norm, layer norm, unit length. */
import { ShapeError } from "../../errors.js";
import { applyOp, type Op } from "../graph/op.js";
import type { Value } from "../graph/value.js";
import { elementCount, sameShape } from "../tensor/shape.js";
import { add, divide, maximum, multiply, negate, subtract } from "./arithmetic.js";
import { full } from "./constant.js";
import { customGradient } from "./custom-gradient.js";
import { sqrt, square } from "./elementwise.js";
import { mean, sum } from "./reduce.js";

/** Scale and shift per channel or feature, and what is added to the variance. */
export interface AffineOptions {
  readonly weight: Value;
  readonly bias: Value;
  readonly epsilon?: number;
}

/** Statistics and affine parameters, each [C]. */
export interface StatisticsOptions extends AffineOptions {
  readonly mean: Value;
  readonly variance: Value;
}

/** Axes of [B, C, H, W] other than the channels. */
const perChannel = [0, 2, 3];

/**
 * Batch norm over the batch's own statistics, as torch.nn.BatchNorm2d in training mode:
 * y = weight · (x - mean) / sqrt(variance + epsilon) + bias, mean and (biased) variance over B, H, W.
 * x [B, C, H, W] -> y [B, C, H, W], batchMean [C], batchVariance [C].
 * Gradients flow to x, weight and bias, not through the statistics that are returned.
 */
export function batchNormTraining(
  x: Value,
  { weight, bias, epsilon = 1e-5 }: AffineOptions,
): { y: Value; batchMean: Value; batchVariance: Value } {
  const count = x.dim(0) * x.dim(2) * x.dim(3);
  const attrs = { epsilon };
  const batchMean = applyOp(batchMeanOp, { x, weight, bias }, attrs); // [C]
  const batchVariance = applyOp(batchVarianceOp, { x, weight, bias }, attrs); // [C]
  const normalised = applyOp(batchNormOp, { x, weight, bias }, attrs);
  const inverse = divide(1, sqrt(add(batchVariance, epsilon))); // 1 / deviation
  const scale = multiply(weight, inverse);
  const zero = full([x.dim(1)], 0, x.dtype);
  const sumOf = (value: Value) => sum(value, { axes: perChannel });
  /** sum of dY · x̂ */
  const alongNormalised = (dy: Value) => {
    const centred = channelAffine(x, full([x.dim(1)], 1, x.dtype), negate(batchMean));
    return multiply(sumOf(multiply(dy, centred)), inverse);
  };
  const y = customGradient(
    "batchNorm",
    normalised,
    { x, weight, bias },
    {
      // dX = w/σ · (dY - mean(dY) - x̂ · mean(dY · x̂)), written as a multiple of dY, one of x, and a constant
      x: (dy) => {
        const ofX = negate(divide(multiply(multiply(scale, inverse), alongNormalised(dy)), count));
        const shift = negate(add(divide(multiply(scale, sumOf(dy)), count), multiply(ofX, batchMean)));
        return add(channelAffine(dy, scale, shift), channelAffine(x, ofX, zero));
      },
      weight: (dy) => alongNormalised(dy),
      bias: (dy) => sumOf(dy),
    },
  );
  return { y, batchMean, batchVariance };
}

interface BatchNormAttrs {
  readonly epsilon: number;
}

/** The three outputs of one node. Batch norm's gradient is `batchNormTraining`'s own; the statistics have none. */
const [batchNormOp, batchMeanOp, batchVarianceOp] = [
  batchNormOutput("batchNorm output", 0),
  batchNormOutput("batchNorm mean", 1),
  batchNormOutput("batchNorm variance", 2),
];

function batchNormOutput(name: string, index: 0 | 1 | 2): Op<"x" | "weight" | "bias", BatchNormAttrs> {
  return {
    name,
    inputs: ["x", "weight", "bias"],
    outputType({ x, weight, bias }) {
      const isFitting =
        x.shape.length === 4 && [weight, bias].every(({ shape }) => sameShape(shape, x.shape.slice(1, 2)));
      if (!isFitting)
        throw new ShapeError("batchNorm", "needs x [B, C, H, W], weight [C] and bias [C]", {
          x,
          weight,
          bias,
        });
      return { dtype: x.dtype, shape: index === 0 ? x.shape : x.shape.slice(1, 2) };
    },
    gradient: { x: "not differentiable", weight: "not differentiable", bias: "not differentiable" },
    onnx(graph, { x, weight, bias }, { epsilon }) {
      // The kernel writes the new statistics over the old, even over shared constants and over what another node reads;
      // so the old ones are values of this x's own (two passes through a layer share weight and bias). Momentum 0
      // makes them count for nothing.
      const ends = [
        [0, 0, 0],
        [1, 1, 1],
        [0, 2, 3],
      ].map((values) => graph.ints(values));
      const first = graph.node("Reshape", [graph.node("Slice", [x, ...ends]), graph.ints([-1])]); // [C]
      const before = [weight, bias].map((value) => graph.node("Add", [first, value]));
      // With momentum 0 the new running statistics are the batch's own.
      const attributes = { training_mode: 1, momentum: { float: 0 }, epsilon: { float: epsilon } };
      const outputs = graph.nodeOutputs("BatchNormalization", [x, weight, bias, ...before], attributes, {
        outputCount: 3,
      });
      return outputs[index] as string;
    },
  };
}

/** y = x · scale + shift for each channel, in one pass. x [B, C, H, W], scale, shift [C]. */
function channelAffine(x: Value, scale: Value, shift: Value): Value {
  return applyOp(channelAffineOp, { x, scale, shift }, undefined);
}

const channelAffineOp: Op<"x" | "scale" | "shift"> = {
  name: "channelAffine",
  inputs: ["x", "scale", "shift"],
  outputType: ({ x }) => x,
  gradient: {
    x: ({ scale, dy }) => channelAffine(dy, scale, multiply(scale, 0)),
    scale: ({ x, dy }) => sum(multiply(dy, x), { axes: perChannel }),
    shift: ({ dy }) => sum(dy, { axes: perChannel }),
  },
  // Batch norm over mean 0 and variance 1: ONNX Runtime's product and sum with broadcasting are slow on small maps.
  onnx(graph, { x, scale, shift }, _attrs, types) {
    const channels = elementCount(types.scale.shape);
    const mean = graph.constant(full([channels], 0, types.x.dtype).tensor);
    const variance = graph.constant(full([channels], 1, types.x.dtype).tensor);
    return graph.node("BatchNormalization", [x, scale, shift, mean, variance], { epsilon: { float: 0 } });
  },
};

/** Batch norm over given statistics: y = weight · (x - mean) / sqrt(variance + epsilon) + bias. x [B, C, H, W]. */
export function batchNormInference(x: Value, options: StatisticsOptions): Value {
  const { mean: runningMean, variance, weight, bias, epsilon = 1e-5 } = options;
  const scale = divide(weight, sqrt(add(variance, epsilon)));
  return channelAffine(x, scale, subtract(bias, multiply(runningMean, scale)));
}

/** y = weight · (x - mean) / sqrt(variance + epsilon) + bias over the last axis, as torch.nn.LayerNorm. x [..., D]. */
export function layerNorm(x: Value, { weight, bias, epsilon = 1e-5 }: AffineOptions): Value {
  if (weight.rank !== 1 || weight.dim(0) !== x.dim(-1)) {
    throw new ShapeError("layerNorm", "weight must have the length of the last axis", { x, weight });
  }
  const last = { axes: [-1], keepDims: true };
  const centred = subtract(x, mean(x, last));
  const inverse = divide(1, sqrt(add(mean(square(centred), last), epsilon)));
  const normalised = multiply(centred, inverse);
  const composed = add(multiply(normalised, weight), bias);
  return customGradient(
    "layerNorm",
    composed,
    { x, weight, bias },
    {
      // dX = 1/σ · (g - mean(g) - x̂ · mean(g · x̂)) with g = dY · w
      x: (dy) => {
        const g = multiply(dy, weight);
        const along = multiply(normalised, mean(multiply(g, normalised), last));
        return multiply(subtract(subtract(g, mean(g, last)), along), inverse);
      },
      weight: (dy) => multiply(dy, normalised), // summed over the leading axes by the engine
      bias: (dy) => dy,
    },
  );
}

/**
 * y = x / max(|x|, epsilon) along one axis, as torch.nn.functional.normalize; the gradient at 0 is finite.
 * @example
 * import { constant, float32, l2Normalise, runOnce } from "sdfn/models";
 * const x = constant(float32([1, 2], [0, 4]));
 * const { y } = await runOnce({ y: l2Normalise(x, { axis: 1 }) });
 * console.log(y.data); // Float32Array(2) [ 0, 1 ]
 */
export function l2Normalise(x: Value, { axis, epsilon = 1e-12 }: { axis: number; epsilon?: number }): Value {
  return divide(x, sqrt(maximum(sum(square(x), { axes: [axis], keepDims: true }), epsilon * epsilon)));
}
