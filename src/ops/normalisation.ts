/** Normalisations: batch norm, layer norm, unit length. */
import { ShapeError } from "../errors.js";
import type { Value } from "../graph/value.js";
import { add, divide, maximum, multiply, subtract } from "./arithmetic.js";
import { customGradient } from "./custom-gradient.js";
import { sqrt, square } from "./elementwise.js";
import { mean, sum } from "./reduce.js";
import { reshape } from "./shape.js";

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
const PER_CHANNEL = { axes: [0, 2, 3], keepDims: true } as const;

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
  const channels = x.dim(1);
  const count = x.dim(0) * x.dim(2) * x.dim(3);
  const perChannel = (value: Value) => reshape(value, [1, channels, 1, 1]);
  const batchMean = mean(x, PER_CHANNEL); // [1, C, 1, 1]
  const centred = subtract(x, batchMean);
  const batchVariance = mean(square(centred), PER_CHANNEL);
  const inverse = divide(1, sqrt(add(batchVariance, epsilon))); // 1 / deviation
  const scale = multiply(perChannel(weight), inverse);
  const composed = add(multiply(centred, scale), perChannel(bias));
  const y = customGradient(
    "batchNorm",
    composed,
    { x, weight, bias },
    {
      // dX = w/σ · (dY - mean(dY) - x̂ · mean(dY · x̂)), written as one multiple of dY, one of x - μ, and a constant
      x: (dy) => {
        const shift = divide(multiply(scale, sum(dy, PER_CHANNEL)), count);
        const alongCentred = divide(
          multiply(multiply(scale, square(inverse)), sum(multiply(dy, centred), PER_CHANNEL)),
          count,
        );
        return subtract(subtract(multiply(dy, scale), multiply(centred, alongCentred)), shift);
      },
      weight: (dy) => reshape(multiply(sum(multiply(dy, centred), PER_CHANNEL), inverse), [channels]),
      bias: (dy) => reshape(sum(dy, PER_CHANNEL), [channels]),
    },
  );
  return { y, batchMean: reshape(batchMean, [channels]), batchVariance: reshape(batchVariance, [channels]) };
}

/** Batch norm over given statistics: y = weight · (x - mean) / sqrt(variance + epsilon) + bias. x [B, C, H, W]. */
export function batchNormInference(x: Value, options: StatisticsOptions): Value {
  const { mean: runningMean, variance, weight, bias, epsilon = 1e-5 } = options;
  const perChannel = (value: Value) => reshape(value, [1, x.dim(1), 1, 1]);
  const scale = divide(weight, sqrt(add(variance, epsilon)));
  const shift = subtract(bias, multiply(runningMean, scale));
  return add(multiply(x, perChannel(scale)), perChannel(shift));
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

/** y = x / max(|x|, epsilon) along one axis, as torch.nn.functional.normalize; the gradient at 0 is finite. */
export function l2Normalise(x: Value, { axis, epsilon = 1e-12 }: { axis: number; epsilon?: number }): Value {
  return divide(x, sqrt(maximum(sum(square(x), { axes: [axis], keepDims: true }), epsilon * epsilon)));
}
