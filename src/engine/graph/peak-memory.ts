/** How much memory graphs take. */
import { dtypeSizeBytes } from "../tensor/dtype.js";
import { elementCount, requireStatic } from "../tensor/shape.js";
import type { ParameterUpdate } from "./parameter-update.js";
import { topologicalOrder } from "./traversal.js";
import { Parameter, Result, type Value } from "./value.js";

/** Memory of graphs with state, in bytes. */
export interface GraphMemory {
  /** Results that are alive at once, at the worst moment (`peakResultBytes`); of several graphs the sum. */
  readonly resultBytes: number;
  /** Everything that is read as a parameter, once: weights, statistics, moments. */
  readonly parameterBytes: number;
  /** Second buffers of those that are updated. */
  readonly spareBytes: number;
}

/** A graph that gives `outputs` and updates parameters. */
export interface StatefulGraph {
  readonly outputs: readonly Value[];
  readonly updates: readonly ParameterUpdate[];
}

/** What graphs need that are all ready to run: each keeps the memory of its results, and they share their parameters. */
export function graphMemory(graphs: readonly StatefulGraph[]): GraphMemory {
  const parameters = new Set<Parameter>();
  let [resultBytes, spareBytes] = [0, 0];
  for (const { outputs, updates } of graphs) {
    const all = [...outputs, ...updates.map(({ next }) => next)];
    resultBytes += peakResultBytes(all);
    for (const { parameter } of updates) spareBytes += parameter.data.byteLength;
    for (const value of topologicalOrder(all)) if (value instanceof Parameter) parameters.add(value);
  }
  const parameterBytes = [...parameters].reduce((sum, { data }) => sum + data.byteLength, 0);
  return { resultBytes, parameterBytes, spareBytes };
}

/**
 * Bytes of the results that are alive at once when the graph of `outputs` runs in topological order and each is freed
 * after its last use, with what the op that runs holds inside where it says so. Inputs, parameters, constants and the
 * outputs themselves are not counted: they are in buffers of whoever runs the graph.
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
    peak = Math.max(peak, alive + value.workspaceBytes);
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
