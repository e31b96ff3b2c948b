/** Reverse-mode differentiation: builds the graph of the gradients. */
import { GraphError, ShapeError } from "../../errors.js";
import { topologicalOrder } from "../graph/traversal.js";
import { Result, type Value } from "../graph/value.js";
import { add } from "../ops/arithmetic.js";
import { full } from "../ops/constant.js";
import { sumTo } from "../ops/reduce.js";
import { elementCount, isStatic, sameShape } from "../tensor/shape.js";

/** An output of a graph and d(loss)/d(output), which may come from another graph. */
export interface Cotangent {
  readonly value: Value;
  /** Of the value's type. */
  readonly gradient: Value;
}

/**
 * d(loss)/d(target) for every target, in their order; zeros where the loss does not depend on it.
 * Builds only the part of the backward graph that leads to a target.
 * @param loss one element of a floating type; the graph between it and the targets has shapes of numbers.
 * @throws GraphError when the loss is not one element.
 * @example
 * import { gradients, Parameter, runOnce, square, sum } from "sdfn/models";
 * const w = new Parameter([2], Float32Array.of(1, 2));
 * const [dw] = gradients(sum(square(w)), [w]);
 * const { y } = await runOnce({ y: dw });
 * console.log(y.data); // Float32Array(2) [ 2, 4 ]
 */
export function gradients(loss: Value, targets: readonly Value[]): Value[] {
  if (!isStatic(loss.shape) || elementCount(loss.shape) !== 1) {
    throw new GraphError(`gradients: the loss must be one element; got ${loss}`);
  }
  return pulledBack([{ value: loss, gradient: full(loss.shape, 1, loss.dtype) }], targets);
}

/**
 * d(loss)/d(target) of a loss of which only its gradients at `outputs` are known:
 * sum over the outputs of (d(output)/d(target))ᵀ · d(loss)/d(output). Otherwise as `gradients`.
 * @throws ShapeError when a gradient is not of its output's type.
 */
export function pulledBack(outputs: readonly Cotangent[], targets: readonly Value[]): Value[] {
  const contributions = new Map<Value, Value[]>();
  for (const { value, gradient } of outputs) {
    if (gradient.dtype !== value.dtype || !sameShape(gradient.shape, value.shape))
      throw new ShapeError("pulledBack", "a gradient must have its output's type", { value, gradient });
    contributions.set(value, [...(contributions.get(value) ?? []), gradient]);
  }
  const order = topologicalOrder(contributions.keys());
  const isNeeded = new Set<Value>(targets);
  for (const value of order) {
    if (value instanceof Result && [...value.inputs.values()].some((input) => isNeeded.has(input)))
      isNeeded.add(value);
  }
  for (const value of order.toReversed()) {
    const parts = contributions.get(value);
    if (!parts || !(value instanceof Result) || !isNeeded.has(value)) continue;
    const dy = total(parts);
    contributions.set(value, [dy]);
    for (const [name, input] of value.inputs) {
      if (!isNeeded.has(input)) continue;
      const gradient = value.gradientOf(name, dy);
      if (!gradient) continue;
      const known = contributions.get(input);
      const fitted = toInputShape(gradient, input, `${value.opName}, gradient of ${name}`);
      if (known) known.push(fitted);
      else contributions.set(input, [fitted]);
    }
  }
  return targets.map((target) => {
    const parts = contributions.get(target);
    if (parts) return total(parts);
    if (!isStatic(target.shape))
      throw new GraphError(`gradients: the target needs a shape of numbers; got ${target}`);
    return full(target.shape, 0, target.dtype);
  });
}

/** Undoes broadcasting: the one place where broadcast axes are summed. */
function toInputShape(gradient: Value, input: Value, where: string): Value {
  const fitted = gradient.rank >= input.rank ? sumTo(gradient, input.shape) : gradient;
  if (!sameShape(fitted.shape, input.shape)) {
    throw new ShapeError(where, "does not have the input's shape", { gradient, input });
  }
  return fitted;
}

function total(parts: readonly Value[]): Value {
  const [first, ...rest] = parts;
  if (!first) throw new GraphError("gradients: a value without contributions");
  return rest.reduce((sum, part) => add(sum, part), first);
}
