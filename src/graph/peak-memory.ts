/** How much memory a graph's values take at the worst moment of a run. */
import { dtypeSizeBytes } from "../tensor/dtype.js";
import { elementCount, requireStatic } from "../tensor/shape.js";
import { topologicalOrder } from "./traversal.js";
import { Result, type Value } from "./value.js";

/**
 * Bytes of the results that are alive at once when the graph of `outputs` runs in topological order and each is freed
 * after its last use. Inputs, parameters, constants and the outputs themselves are not counted: they are in buffers of
 * whoever runs the graph. Neither is what an op needs inside.
 * @throws ShapeError when a result has a symbolic axis.
 */
export function peakResultBytes(outputs: readonly Value[]): number {
  const order = topologicalOrder(outputs);
  const lastUse = new Map<Value, number>();
  for (const [at, value] of order.entries()) {
    if (value instanceof Result) for (const input of value.inputs.values()) lastUse.set(input, at);
  }
  const isOutput = new Set(outputs);
  let [alive, peak] = [0, 0];
  for (const [at, value] of order.entries()) {
    if (!(value instanceof Result)) continue;
    if (!isOutput.has(value)) alive += bytesOf(value);
    peak = Math.max(peak, alive);
    for (const input of new Set(value.inputs.values())) {
      if (input instanceof Result && !isOutput.has(input) && lastUse.get(input) === at)
        alive -= bytesOf(input);
    }
  }
  return peak;
}

function bytesOf({ dtype, shape }: Value): number {
  return elementCount(requireStatic("peakResultBytes", shape)) * dtypeSizeBytes(dtype);
}
