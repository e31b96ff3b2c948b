/** A model file as a graph to run. The file is not trusted: ONNX Runtime is given only what this project writes itself. */
import { GraphError } from "../../errors.js";
import type { LoweredGraph } from "../graph/lower.js";
import { Input, TensorType } from "../graph/value.js";
import type { ValueInfoProto } from "../onnx/onnx_pb.js";
import { dtypeOf, hasUnknownFields, parseModel } from "../onnx/onnx-graph.js";
import { type Dim, dimSymbols } from "../tensor/shape.js";

/** A model that was read, and what it gives. */
export interface ReadModel extends LoweredGraph {
  /** Outputs by name. */
  readonly outputs: ReadonlyMap<string, TensorType>;
}

/**
 * Reads a model file. Fields that `src/engine/onnx` does not know are refused, so weights in files beside it, loops, branches
 * and functions cannot be in what runs; so are operators of other domains.
 * @throws GraphError when the bytes are no model, or one that this project would not write.
 */
export function readModel(bytes: Uint8Array<ArrayBuffer>): ReadModel {
  const parsed = parseModel(bytes);
  if (hasUnknownFields(parsed)) {
    throw new GraphError(
      "readModel: the model has fields that this project does not write, such as external data",
    );
  }
  const { graph } = parsed;
  if (!graph || graph.node.length === 0) throw new GraphError("readModel: the model has no nodes");
  const foreign = graph.node.find(({ domain }) => domain !== "");
  if (foreign) {
    throw new GraphError(
      `readModel: operators must be of the standard domain; got ${foreign.domain}.${foreign.opType}`,
    );
  }
  const inputs = graph.input.map((info) => {
    const { dtype, shape } = typeOf(info);
    return [info.name, new Input(info.name, dtype, shape)] as const;
  });
  return {
    model: bytes,
    inputs: new Map(inputs),
    outputs: new Map(graph.output.map((info) => [info.name, typeOf(info)])),
    parameters: new Map(),
  };
}

function typeOf({ name, type }: ValueInfoProto): TensorType {
  const tensorType = type?.value.case === "tensorType" ? type.value.value : undefined;
  const dtype = dtypeOf(tensorType?.elemType ?? 0);
  const shape = tensorType?.shape?.dim.map(({ value }): Dim => {
    if (value.case === "dimValue") return Number(value.value);
    const symbol = dimSymbols.find((known) => value.case === "dimParam" && value.value === known);
    if (symbol !== undefined) return symbol;
    throw new GraphError(
      `readModel: axes of "${name}" must be numbers or ${dimSymbols.join(", ")}; got ${value.value}`,
    );
  });
  if (dtype === undefined || shape === undefined) {
    throw new GraphError(`readModel: "${name}" must be a tensor of a known element type and shape`);
  }
  return new TensorType(dtype, shape);
}
