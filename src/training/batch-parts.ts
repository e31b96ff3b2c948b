/** Cuts batches into micro-batches. */

import { allocate } from "../engine/tensor/dtype.js";
import { elementCount, formatShape } from "../engine/tensor/shape.js";
import type { Tensor } from "../engine/tensor/tensor.js";
import { ShapeError } from "../errors.js";

/** Which examples of a batch: `start` to `start + count`, of `of`. */
export interface BatchRange {
  readonly start: number;
  readonly count: number;
  readonly of: number;
}

/** The ranges of `size` examples that a batch of `of` consists of; the last may be shorter. */
export function microBatches(of: number, size: number): BatchRange[] {
  return Array.from({ length: Math.ceil(of / size) }, (_, i) => ({
    start: i * size,
    count: Math.min(size, of - i * size),
    of,
  }));
}

/**
 * Some examples of a tensor of a batch. One row an example, or k times that, one block after the other, such as all
 * references and then all targets: [k · of, ...] -> [k · count, ...]. Not copied where k is 1.
 * @throws ShapeError when the first axis is not a multiple of the batch.
 */
export function examplesOf({ dtype, shape, data }: Tensor, { start, count, of }: BatchRange): Tensor {
  const [rows = 0, ...rest] = shape;
  if (rows === 0 || rows % of !== 0)
    throw new ShapeError("examplesOf", `the first axis must be a multiple of ${of}`, {
      tensor: formatShape(shape),
    });
  const blockCount = rows / of;
  const size = elementCount(rest);
  const blocks = Array.from({ length: blockCount }, (_, block) => {
    const first = (block * of + start) * size;
    return data.subarray(first, first + count * size);
  });
  const [only] = blocks;
  if (only && blockCount === 1) return { dtype, shape: [count, ...rest], data: only } as Tensor;
  const joined = allocate(dtype, blockCount * count * size);
  for (const [block, part] of blocks.entries()) joined.set(part as never, block * count * size);
  return { dtype, shape: [blockCount * count, ...rest], data: joined } as Tensor;
}

/** Parts of equal element type and inner shape, one after the other. @throws ShapeError when there is none. */
export function joinExamples(parts: readonly Tensor[]): Tensor {
  const [first] = parts;
  if (!first) throw new ShapeError("joinExamples", "needs a part");
  const [, ...rest] = first.shape;
  const rows = parts.reduce((count, { shape }) => count + (shape[0] ?? 0), 0);
  const joined = allocate(first.dtype, rows * elementCount(rest));
  let at = 0;
  for (const { data } of parts) {
    joined.set(data as never, at);
    at += data.length;
  }
  return { dtype: first.dtype, shape: [rows, ...rest], data: joined } as Tensor;
}
