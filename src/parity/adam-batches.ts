/** The batches of a golden file of training steps. */

import { dtypeSizeBytes, viewBytes } from "../engine/tensor/dtype.js";
import { elementCount } from "../engine/tensor/shape.js";
import type { Tensor } from "../engine/tensor/tensor.js";
import { WeightsError } from "../errors.js";
import type { GoldenComparison } from "./golden-comparison.js";

/** What one training step sees. */
export interface StepBatch {
  /** float32 [B, 3, S, S] */
  readonly references: Tensor;
  /** References, then targets: float32 [2B, 3, S, S]. */
  readonly images: Tensor;
  /** int64 [B, T] */
  readonly tokens: Tensor;
  /** int64 [B] */
  readonly lengths: Tensor;
}

/**
 * Step k: references pool[ref_index[k]], targets pool[tgt_index[k]], tokens[k], lengths[k].
 * @throws WeightsError when there is no step, or an index points outside.
 */
export function stepBatches(comparison: GoldenComparison): [StepBatch, ...StepBatch[]] {
  const pool = comparison.use("input/pool");
  const ofStep = (name: string, step: number): Tensor => {
    const { dtype, shape, data } = takeRows(comparison.use(`input/${name}`), [step]);
    return { dtype, shape: shape.slice(1), data } as Tensor;
  };
  const batchOf = (step: number): StepBatch => {
    const references = Array.from(ofStep("ref_index", step).data, Number);
    const targets = Array.from(ofStep("tgt_index", step).data, Number);
    return {
      references: takeRows(pool, references),
      images: takeRows(pool, [...references, ...targets]),
      tokens: ofStep("tokens", step),
      lengths: ofStep("lengths", step),
    };
  };
  const stepCount = comparison.dim("input/tokens", 0);
  if (stepCount === 0) throw new WeightsError("input/tokens holds no step");
  return [batchOf(0), ...Array.from({ length: stepCount - 1 }, (_, i) => batchOf(i + 1))];
}

/** The examples of a batch, `shift` places further round: the same step but for the order of sums. */
export function rotateBatch({ references, images, tokens, lengths }: StepBatch, shift: number): StepBatch {
  const order = rotation(references.shape[0] ?? 0, shift);
  return {
    references: takeRows(references, order),
    images: takeRows(images, [...order, ...order.map((index) => index + order.length)]),
    tokens: takeRows(tokens, order),
    lengths: takeRows(lengths, order),
  };
}

/** 0 to count - 1, beginning at `shift` and going round. */
export function rotation(count: number, shift: number): number[] {
  return Array.from({ length: count }, (_, i) => (i + shift) % count);
}

/** [P, ...] at I indices -> [I, ...]. @throws WeightsError when an index points outside. */
export function takeRows({ dtype, shape, data }: Tensor, indices: readonly number[]): Tensor {
  const [rowCount = 0, ...rest] = shape;
  const sizeBytes = elementCount(rest) * dtypeSizeBytes(dtype);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const taken = new Uint8Array(indices.length * sizeBytes);
  for (const [i, index] of indices.entries()) {
    if (!Number.isInteger(index) || index < 0 || index >= rowCount)
      throw new WeightsError(`an index must be between 0 and ${rowCount - 1}; got ${index}`);
    taken.set(bytes.subarray(index * sizeBytes, (index + 1) * sizeBytes), i * sizeBytes);
  }
  return { dtype, shape: [indices.length, ...rest], data: viewBytes(dtype, taken) } as Tensor;
}
