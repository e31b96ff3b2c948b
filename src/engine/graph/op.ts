/** The form of an op: output type, gradient and ONNX nodes in one object. */
import type { OnnxGraph } from "../onnx/onnx-graph.js";
import type { DType } from "../tensor/dtype.js";
import type { Shape } from "../tensor/shape.js";
import { Result, TensorType, type Value } from "./value.js";

/** One thing per input name. */
export type Named<Input extends string, T> = Readonly<Record<Input, T>>;

/** What a gradient rule sees: the inputs by name, the output `y`, its gradient `dy`, and the attributes. */
export type GradientContext<Input extends string, Attrs> = Named<Input, Value> & {
  readonly y: Value;
  readonly dy: Value;
  readonly attrs: Attrs;
};

/** d(loss)/d(input). May have the broadcast shape: the engine sums it back to the input's. */
export type GradientRule<Input extends string, Attrs> = (context: GradientContext<Input, Attrs>) => Value;

export interface Op<Input extends string, Attrs = undefined> {
  /** Name in errors and graph dumps. */
  readonly name: string;
  /** Input names, in call order. */
  readonly inputs: readonly Input[];
  /** Type of the output. @throws ShapeError when the inputs do not fit. */
  outputType(
    inputs: Named<Input, TensorType>,
    attrs: Attrs,
  ): { readonly dtype: DType; readonly shape: Shape };
  /** d(loss)/d(input), one rule per input; a missing one does not compile. */
  readonly gradient: Named<Input, GradientRule<Input, Attrs> | "not differentiable">;
  /** Adds the nodes that compute the output and returns its name. */
  onnx(graph: OnnxGraph, inputs: Named<Input, string>, attrs: Attrs, types: Named<Input, TensorType>): string;
  /** Bytes of what its nodes hold between them, where that is much beside inputs and output. */
  workspaceBytes?(attrs: Attrs, types: Named<Input, TensorType>): number;
}

/** A graph node that applies `op`. @throws ShapeError when the inputs do not fit. */
export function applyOp<Input extends string, Attrs>(
  op: Op<Input, Attrs>,
  inputs: Named<Input, Value>,
  attrs: Attrs,
): Value {
  const types = mapNamed(op.inputs, (name) => inputs[name].type);
  const { dtype, shape } = op.outputType(types, attrs);
  const result: Result = new Result(
    new TensorType(dtype, shape),
    op.name,
    new Map(op.inputs.map((name) => [name, inputs[name]])),
    (input, dy) => {
      const rule = op.gradient[input as Input];
      return rule === "not differentiable" ? undefined : rule({ ...inputs, y: result, dy, attrs });
    },
    (graph, inputNames) =>
      op.onnx(
        graph,
        mapNamed(op.inputs, (name) => inputNames.get(name) as string),
        attrs,
        types,
      ),
    op.workspaceBytes?.(attrs, types) ?? 0,
  );
  return result;
}

function mapNamed<Input extends string, T>(names: readonly Input[], f: (name: Input) => T): Named<Input, T> {
  return Object.fromEntries(names.map((name) => [name, f(name)])) as Named<Input, T>;
}
