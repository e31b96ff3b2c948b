/** Arithmetic on host arrays, in float64. */
import type { HostArray } from "../engine/tensor/dtype.js";
import { elementCount } from "../engine/tensor/shape.js";
import { float32, type Tensor } from "../engine/tensor/tensor.js";

/** Largest magnitude; 0 for none, infinity when an element is not a number. */
export function largest(data: HostArray): number {
  return maximum(data.length, (i) => Number(data[i]));
}

/** Largest |a - b| of two arrays of the same length, infinity when an element of either is not a number. */
export function largestDifference(a: HostArray, b: HostArray): number {
  return maximum(a.length, (i) => Number(a[i]) - Number(b[i]));
}

/** L2 norm. */
export function norm(data: HostArray): number {
  return Math.sqrt(squaresOfProducts(data));
}

/** Sum of (a · b)² over the elements; b is 1 where it is left out. */
export function squaresOfProducts(a: HostArray, b?: HostArray): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (Number(a[i]) * (b ? Number(b[i]) : 1)) ** 2;
  return sum;
}

/**
 * What a file that keeps every k-th element of the flattened tensor holds of ours, k = ceil(elements / mostElements).
 * Where the file holds all elements, ours in the file's shape. -> [ceil(elements / k)], or ours as it is.
 */
export function sample(ours: Tensor, expected: Tensor, mostElements: number): Tensor {
  const count = elementCount(ours.shape);
  if (elementCount(expected.shape) === count) {
    const isFlat = expected.shape.length === 1;
    return isFlat ? { ...ours, shape: [count] } : ours;
  }
  const stride = Math.ceil(count / mostElements);
  const kept = Array.from({ length: Math.ceil(count / stride) }, (_, i) => Number(ours.data[i * stride]));
  return float32([kept.length], kept);
}

function maximum(length: number, at: (index: number) => number): number {
  let result = 0;
  for (let i = 0; i < length; i += 1) {
    const magnitude = Math.abs(at(i));
    if (Number.isNaN(magnitude)) return Number.POSITIVE_INFINITY;
    if (magnitude > result) result = magnitude;
  }
  return result;
}
