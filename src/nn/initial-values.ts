/** Initial values of parameters, as PyTorch draws them. */
import { Parameter } from "../engine/graph/value.js";
import type { Random } from "../engine/tensor/random.js";
import { elementCount, type StaticShape } from "../engine/tensor/shape.js";

/** Gives the values of a parameter of some shape. */
export type InitialValues = (shape: StaticShape) => Float32Array;

/**
 * A parameter that starts from `initial`; with `isTrainable: false` a buffer.
 * @example
 * import { parameter, Random, uniform } from "sdfn/models";
 * const weight = parameter([3, 2], uniform(new Random(1), 0.1));
 * console.log(weight.data.length, weight.data.every((w) => Math.abs(w) <= 0.1)); // 6 true
 */
export function parameter(
  shape: StaticShape,
  initial: InitialValues,
  options: { readonly isTrainable?: boolean } = {},
): Parameter {
  return new Parameter(shape, initial(shape), options);
}

/**
 * All the same.
 * @example
 * import { filled, parameter } from "sdfn/models";
 * console.log(parameter([2], filled(0.5)).data); // Float32Array(2) [ 0.5, 0.5 ]
 */
export function filled(value: number): InitialValues {
  return (shape) => {
    const zeros = new Float32Array(elementCount(shape));
    // Zeros that nobody touches take no memory: published weights replace them.
    return value === 0 ? zeros : zeros.fill(value);
  };
}

/**
 * Uniform in [-bound, bound).
 * @example
 * import { Random, uniform } from "sdfn/models";
 * const values = uniform(new Random(1), 0.1)([3, 2]);
 * console.log(values.length, values.every((w) => Math.abs(w) <= 0.1)); // 6 true
 */
export function uniform(random: Random, bound: number): InitialValues {
  return drawn(() => random.between(-bound, bound));
}

/**
 * Normal with mean 0.
 * @example
 * import { normal, Random } from "sdfn/models";
 * console.log(normal(new Random(1), 0.02)([3, 2]).length); // 6
 */
export function normal(random: Random, deviation: number): InitialValues {
  return drawn(() => deviation * random.normal());
}

/** Deviation of a standard normal without what lies beyond 2. */
const truncatedDeviation = 0.879_625_661_034_239_8;

/** Normal with mean 0 and this deviation, drawn again beyond two deviations of the normal it is cut from, as TensorFlow's. */
export function truncatedNormal(random: Random, deviation: number): InitialValues {
  const draw = (): number => {
    const value = random.normal();
    return Math.abs(value) <= 2 ? value : draw();
  };
  return drawn(() => (deviation / truncatedDeviation) * draw());
}

/**
 * Kaiming (He) normal by fan-out for ReLU, deviation sqrt(2 / (outChannels · kernel elements)): what torchvision's
 * ResNets start from. Shape [out, in, kH, kW].
 */
export function kaimingNormalFanOut(random: Random): InitialValues {
  return (shape) => {
    const [outChannels = 1, , ...kernel] = shape;
    return normal(random, Math.sqrt(2 / (outChannels * elementCount(kernel))))(shape);
  };
}

/**
 * Xavier (Glorot) uniform, bound sqrt(6 / (in + out)). Shape [out, in].
 * @example
 * import { Random, xavierUniform } from "sdfn/models";
 * const values = xavierUniform(new Random(1))([2, 4]);
 * console.log(values.every((w) => Math.abs(w) <= 1)); // true
 */
export function xavierUniform(random: Random): InitialValues {
  return (shape) => {
    const [outFeatures = 1, inFeatures = 1] = shape;
    return uniform(random, Math.sqrt(6 / (inFeatures + outFeatures)))(shape);
  };
}

function fill(data: Float32Array, draw: () => number): Float32Array {
  for (let i = 0; i < data.length; i += 1) data[i] = draw();
  return data;
}

function drawn(draw: () => number): InitialValues {
  return (shape) => fill(new Float32Array(elementCount(shape)), draw);
}
