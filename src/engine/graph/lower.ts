/** Graph -> ONNX model. */
import { GraphError } from "../../errors.js";
import { OnnxGraph } from "../onnx/onnx-graph.js";
import { topologicalOrder } from "./traversal.js";
import { Constant, Input, Parameter, Result, type Value } from "./value.js";

/** What to do with parameters: fed at every run, or fixed at their current values. */
export type ParameterMode = "fed" | "baked";

/** An ONNX model and what it wants to be fed. */
export interface LoweredGraph {
  readonly model: Uint8Array<ArrayBuffer>;
  /** Inputs by name. */
  readonly inputs: ReadonlyMap<string, Input>;
  /** Fed parameters by the name of their graph input; empty when baked. */
  readonly parameters: ReadonlyMap<string, Parameter>;
}

export interface LowerOptions {
  readonly parameters: ParameterMode;
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Writes the graph that computes `outputs` (by output name). Equal subgraphs are written once.
 * @throws GraphError when two different inputs share a name.
 */
export function lower(
  outputs: Readonly<Record<string, Value>>,
  { parameters, metadata }: LowerOptions,
): LoweredGraph {
  const graph = new OnnxGraph();
  const names = new Map<Value, string>();
  const inputs = new Map<string, Input>();
  const fed = new Map<string, Parameter>();
  for (const value of topologicalOrder(Object.values(outputs))) {
    names.set(value, nameOf(value));
  }
  for (const [name, value] of Object.entries(outputs)) {
    graph.output(name, names.get(value) as string, value.dtype, value.shape);
  }
  return { model: graph.toBytes(metadata), inputs, parameters: fed };

  function nameOf(value: Value): string {
    if (value instanceof Result) {
      const inputNames = new Map(
        [...value.inputs].map(([name, input]) => [name, names.get(input) as string]),
      );
      return value.addNodes(graph, inputNames);
    }
    if (value instanceof Constant) return graph.constant(value.tensor);
    if (value instanceof Parameter) {
      const name = `parameter_${names.size}`;
      if (parameters === "baked") {
        return graph.constant({ dtype: "float32", shape: value.shape, data: value.data }, name);
      }
      fed.set(name, value);
      return graph.input(name, value.dtype, value.shape);
    }
    if (value instanceof Input) {
      if (inputs.has(value.name)) {
        throw new GraphError(`lower: two inputs are named "${value.name}"; use one Input in both places`);
      }
      inputs.set(value.name, value);
      return graph.input(value.name, value.dtype, value.shape);
    }
    throw new GraphError(`lower: a value of unknown kind; got ${value}`);
  }
}
