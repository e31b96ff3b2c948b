/** The size of all gradients together, and a bound on it. */
import type { Value } from "../graph/value.js";
import { add, divide, maximum, multiply } from "../ops/arithmetic.js";
import { sqrt, square } from "../ops/elementwise.js";
import { sum } from "../ops/reduce.js";
import { concat, expandDims } from "../ops/shape.js";

/** L2 norm of all gradients as one vector: [] */
export function globalNorm(gradients: readonly Value[]): Value {
  const squares = gradients.map((gradient) => expandDims(sum(square(gradient)), 0));
  return sqrt(sum(concat(squares, { axis: 0 })));
}

/**
 * Gradients scaled by min(1, maxNorm / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_.
 * @param norm their `globalNorm`.
 */
export function clipByGlobalNorm(
  gradients: readonly Value[],
  { norm, maxNorm }: { norm: Value; maxNorm: number },
): Value[] {
  const scale = divide(maxNorm, maximum(add(norm, 1e-6), maxNorm)); // at most 1
  return gradients.map((gradient) => multiply(gradient, scale));
}
