/** How much memory training will take at its peak, said before the first step. */

import type { GraphMemory } from "../engine/graph/peak-memory.js";
import { EnvironmentError } from "../errors.js";

export interface MemoryNeeds {
  /** Of the training step's graph. */
  readonly graph: GraphMemory;
  /** Bytes of the model's weights and statistics. */
  readonly modelBytes: number;
  readonly hasTeacher: boolean;
  readonly hasAverage: boolean;
  /** Decoded images that are kept in memory. */
  readonly imageBytes: number;
}

// Fitted by `npm run bench -- memory`: least squares of the relative error over seventeen trainings (docs/performance.md).
/** Node.js, ONNX Runtime and their code, whatever is trained. */
const baseBytes = 217e6;
/** Of the results that are alive at once, as the graph is walked. */
const perResultByte = 0.83;
/** Current values, next values, and what ONNX Runtime keeps of fed tensors and copies of outputs. */
const perParameterByte = 3.81;

/** Largest error among the trainings of that benchmark. */
export const estimateError = 0.17;

/** Bytes at the peak of training. */
export function peakMemoryBytes({
  graph,
  modelBytes,
  hasTeacher,
  hasAverage,
  imageBytes,
}: MemoryNeeds): number {
  return (
    baseBytes +
    perResultByte * graph.resultBytes +
    perParameterByte * graph.parameterBytes +
    // A teacher's weights are in its graph, once as ONNX and once laid out for speed.
    (hasTeacher ? 2 * modelBytes : 0) +
    (hasAverage ? modelBytes : 0) +
    imageBytes
  );
}

/** @throws EnvironmentError when that is more than `availableBytes`. */
export function requireMemory(
  peakBytes: number,
  availableBytes: number,
  { batchSize, imagePx }: { readonly batchSize: number; readonly imagePx: number },
): void {
  if (peakBytes <= availableBytes) return;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  throw new EnvironmentError(
    `training would need about ${gigabytes(peakBytes)} of memory (± ${Math.round(100 * estimateError)} %), and ` +
      `${gigabytes(availableBytes)} are free; lower batchSize (now ${batchSize}) or imagePx (now ${imagePx}), hold a part of the ` +
      "batch at a time (microBatchSize), choose a smaller backbone or freeze it (--freeze-backbone), close other programs, " +
      "or try all the same with --skip-memory-check",
  );
}

/** Memory that this process can use, including what it has. */
export function availableMemoryBytes(): number {
  return process.availableMemory() + process.memoryUsage().rss;
}
