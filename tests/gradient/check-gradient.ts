/** Compares gradient rules with central differences in float64. */
import { expect } from "vitest";
import { gradients } from "../../src/engine/autodiff/gradients.js";
import { Input, type Value } from "../../src/engine/graph/value.js";
import { multiply } from "../../src/engine/ops/arithmetic.js";
import { constant } from "../../src/engine/ops/constant.js";
import { sum } from "../../src/engine/ops/reduce.js";
import { GraphSession } from "../../src/engine/runtime/session.js";
import { Random } from "../../src/engine/tensor/random.js";
import { elementCount, requireStatic, type StaticShape } from "../../src/engine/tensor/shape.js";
import type { Tensor } from "../../src/engine/tensor/tensor.js";

export interface CheckOptions {
  /** Values of the inputs; standard normal by default. */
  readonly draw?: (random: Random) => number;
  readonly dtype?: "float64" | "float32";
  /** Largest accepted error relative to the size of the derivative. */
  readonly tolerance?: number;
  readonly step?: number;
  /** Tensors of other inputs of the function, held fixed. */
  readonly fixed?: Readonly<Record<string, Tensor>>;
}

/**
 * Checks <u, J v> of `f` for random cotangents u and directions v, input by input and all together, against
 * (f(x + h v) - f(x - h v)) / 2h.
 */
export async function checkGradient(
  shapes: readonly StaticShape[],
  f: (...inputs: Value[]) => Value,
  {
    draw = (random) => random.normal(),
    dtype = "float64",
    tolerance = 1e-6,
    step = 1e-5,
    fixed = {},
  }: CheckOptions = {},
): Promise<void> {
  const random = new Random(20240414);
  const inputs = shapes.map((shape, i) => new Input(`x${i}`, dtype, shape));
  const y = f(...inputs);
  const u = tensorOf(dtype, requireStatic("checkGradient", y.shape), () => random.normal());
  const loss = sum(multiply(y, constant(u)));
  const grads = gradients(loss, inputs);
  const session = await GraphSession.compile<string>({
    loss,
    ...Object.fromEntries(grads.map((gradient, i) => [`dx${i}`, gradient])),
  });
  const at = shapes.map((shape) => tensorOf(dtype, shape, () => draw(random)));
  const feeds = (tensors: readonly Tensor[]) => ({
    ...Object.fromEntries(tensors.map((tensor, i) => [`x${i}`, tensor])),
    ...fixed,
  });
  const result = await session.run(feeds(at));
  for (const [i, shape] of shapes.entries()) {
    const gradient = result[`dx${i}`] as Tensor;
    expect(gradient.shape, `shape of the gradient of input ${i}`).toEqual([...shape]);
    for (let trial = 0; trial < 3; trial += 1) {
      const v = tensorOf(dtype, shape, () => random.normal());
      const moved = (sign: number) =>
        at.map((tensor, j) =>
          j === i
            ? tensorOf(dtype, shape, (k) => Number(tensor.data[k]) + sign * step * Number(v.data[k]))
            : tensor,
        );
      const plus = Number((await session.run(feeds(moved(1)))).loss?.data[0]);
      const minus = Number((await session.run(feeds(moved(-1)))).loss?.data[0]);
      const numeric = (plus - minus) / (2 * step);
      const analytic = dot(gradient, v);
      const size = Math.sqrt(dot(gradient, gradient) * dot(v, v)) + 1e-12;
      expect(
        Math.abs(numeric - analytic) / size,
        `input ${i}: ${analytic} by the rule, ${numeric} by differences`,
      ).toBeLessThan(tolerance);
    }
  }
  await session.release();
}

/** A float tensor whose k-th element is `value(k)`. */
export function tensorOf(
  dtype: "float64" | "float32",
  shape: StaticShape,
  value: (k: number) => number,
): Tensor {
  const length = elementCount(shape);
  const data = dtype === "float64" ? new Float64Array(length) : new Float32Array(length);
  for (let k = 0; k < length; k += 1) data[k] = value(k);
  return { dtype, shape, data } as Tensor;
}

function dot(a: Tensor, b: Tensor): number {
  let total = 0;
  for (let k = 0; k < a.data.length; k += 1) total += Number(a.data[k]) * Number(b.data[k]);
  return total;
}
