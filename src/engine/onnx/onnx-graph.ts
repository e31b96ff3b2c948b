/** Builds an ONNX graph node by node and writes it as a model file. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { GraphError } from "../../errors.js";
import type { DType } from "../tensor/dtype.js";
import type { Shape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./onnx_pb.js";

/** Opset of the standard domain; 20 is the newest whose kernels onnxruntime-node 1.30 has complete on the CPU. */
export const opsetVersion = 20;
export const irVersion = 9;
/** Tensors up to this many bytes are shared when their content is equal. */
const sharedConstantBytes = 1024;

/** An attribute: an integer, integers, a float (marked, since 1.0 is an integer in JavaScript), or a string. */
export type OnnxAttribute = number | readonly number[] | { readonly float: number } | string;

/** Where a node's operator is defined, and how many outputs it has. */
export interface NodeOptions {
  readonly domain?: "com.microsoft";
  readonly outputCount?: number;
}

const dataTypes: Record<DType, DataType> = {
  float16: DataType.FLOAT16,
  float32: DataType.FLOAT,
  float64: DataType.DOUBLE,
  int32: DataType.INT32,
  int64: DataType.INT64,
  uint8: DataType.UINT8,
  bool: DataType.BOOL,
};

/** ONNX's number of an element type, as Cast's `to` wants it. */
export function onnxDataType(dtype: DType): number {
  return dataTypes[dtype];
}

/** The element type that ONNX has a number for; undefined for those that graphs here do not use. */
export function dtypeOf(onnxType: number): DType | undefined {
  return (Object.keys(dataTypes) as DType[]).find((dtype) => dataTypes[dtype] === onnxType);
}

/** A graph under construction. Nodes that are equal in operator, inputs and attributes are added once. */
export class OnnxGraph {
  readonly #nodes: NodeProto[] = [];
  readonly #initializers: TensorProto[] = [];
  readonly #inputs: ValueInfoProto[] = [];
  readonly #outputs: ValueInfoProto[] = [];
  readonly #known = new Map<string, readonly string[]>();
  readonly #domains = new Set<string>();
  /** Values that nodes make. */
  readonly #producers = new Set<string>();
  /** Values that are known by the name of a graph output. */
  readonly #renamed = new Map<string, string>();

  /** Adds a node with one output (or finds its equal) and returns the output's name. */
  node(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    options: NodeOptions = {},
  ): string {
    return this.nodeOutputs(opType, inputs, attributes, options)[0] as string;
  }

  /** Adds a node with `options.outputCount` outputs (or finds its equal) and returns their names. */
  nodeOutputs(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    { domain, outputCount = 1 }: NodeOptions = {},
  ): readonly string[] {
    const key = JSON.stringify([domain, opType, inputs, attributes, outputCount]);
    const known = this.#known.get(key);
    if (known) return known;
    const id = this.#nodes.length;
    const outputs = Array.from({ length: outputCount }, (_, i) =>
      i === 0 ? `${opType}_${id}` : `${opType}_${id}.${i}`,
    );
    this.#nodes.push(
      create(NodeProtoSchema, {
        name: `${opType}_${id}`,
        opType,
        input: [...inputs],
        output: outputs,
        domain: domain ?? "",
        attribute: Object.entries(attributes).map(([name, value]) => attributeProto(name, value)),
      }),
    );
    if (domain) this.#domains.add(domain);
    this.#known.set(key, outputs);
    for (const output of outputs) this.#producers.add(output);
    return outputs;
  }

  /** Adds a constant tensor and returns its name; small equal ones are shared. */
  constant(tensor: Tensor, name?: string): string {
    const bytes = new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
    const key =
      bytes.length <= sharedConstantBytes && name === undefined
        ? JSON.stringify(["constant", tensor.dtype, tensor.shape, Buffer.from(bytes).toString("base64")])
        : undefined;
    const known = key === undefined ? undefined : this.#known.get(key);
    if (known) return known[0] as string;
    const constantName = name ?? `constant_${this.#initializers.length}`;
    this.#initializers.push(
      create(TensorProtoSchema, {
        name: constantName,
        dataType: dataTypes[tensor.dtype],
        dims: tensor.shape.map(BigInt),
        rawData: bytes,
      }),
    );
    if (key !== undefined) this.#known.set(key, [constantName]);
    return constantName;
  }

  /** A constant one-dimensional int64 tensor: shapes, axes, pads. */
  ints(values: readonly number[]): string {
    return this.constant({
      dtype: "int64",
      shape: [values.length],
      data: BigInt64Array.from(values, BigInt),
    });
  }

  /** A constant scalar of a floating type. */
  scalar(dtype: DType, value: number): string {
    const data = dtype === "float64" ? Float64Array.of(value) : Float32Array.of(value);
    return this.constant({ dtype, shape: [], data });
  }

  /** Declares a graph input. */
  input(name: string, dtype: DType, shape: Shape): string {
    this.#inputs.push(valueInfo(name, dtype, shape));
    return name;
  }

  /** Declares `value` as the graph output `name`. */
  output(name: string, value: string, dtype: DType, shape: Shape): void {
    this.#outputs.push(valueInfo(name, dtype, shape));
    // The node that makes the value gives it the output's name; an Identity would copy it.
    if (this.#producers.has(value) && !this.#renamed.has(value)) {
      this.#renamed.set(value, name);
    } else {
      this.#nodes.push(
        create(NodeProtoSchema, {
          name: `output:${name}`,
          opType: "Identity",
          input: [value],
          output: [name],
        }),
      );
    }
  }

  /** The model file. */
  toBytes(metadata: Readonly<Record<string, string>> = {}): Uint8Array<ArrayBuffer> {
    const model = create(ModelProtoSchema, {
      irVersion: BigInt(irVersion),
      producerName: "sdfn",
      graph: create(GraphProtoSchema, {
        name: "graph",
        node: this.#nodes.map((node) => this.#withOutputNames(node)),
        initializer: this.#initializers,
        input: this.#inputs,
        output: this.#outputs,
      }),
      opsetImport: [
        create(OperatorSetIdProtoSchema, { domain: "", version: BigInt(opsetVersion) }),
        ...[...this.#domains].map((domain) => create(OperatorSetIdProtoSchema, { domain, version: 1n })),
      ],
      metadataProps: Object.entries(metadata).map(([key, value]) =>
        create(StringStringEntryProtoSchema, { key, value }),
      ),
    });
    return toBinary(ModelProtoSchema, model);
  }

  #withOutputNames(node: NodeProto): NodeProto {
    const rename = (value: string) => this.#renamed.get(value) ?? value;
    return create(NodeProtoSchema, {
      ...node,
      input: node.input.map(rename),
      output: node.output.map(rename),
    });
  }
}

/** Reads a model file. @throws GraphError when the bytes are not one. */
export function parseModel(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    throw new GraphError(`parseModel: not an ONNX model; ${(error as Error).message}`, { cause: error });
  }
}

/** Does a model, or anything in it, have fields that `onnx.proto` here does not have? */
export function hasUnknownFields(part: object): boolean {
  if (part instanceof Uint8Array) return false;
  if ("$unknown" in part && Array.isArray(part.$unknown) && part.$unknown.length > 0) return true;
  return Object.values(part).some(
    (field) => typeof field === "object" && field !== null && hasUnknownFields(field),
  );
}

function attributeProto(name: string, value: OnnxAttribute): AttributeProto {
  if (typeof value === "number")
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
  if (typeof value === "string") {
    return create(AttributeProtoSchema, {
      name,
      type: AttributeType.STRING,
      s: new TextEncoder().encode(value),
    });
  }
  if ("float" in value)
    return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float });
  return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) });
}

function valueInfo(name: string, dtype: DType, shape: Shape): ValueInfoProto {
  const dim = shape.map((length) =>
    create(TensorShapeProto_DimensionSchema, {
      value:
        typeof length === "number"
          ? { case: "dimValue", value: BigInt(length) }
          : { case: "dimParam", value: length },
    }),
  );
  const tensorType = create(TypeProto_TensorSchema, {
    elemType: dataTypes[dtype],
    shape: create(TensorShapeProtoSchema, { dim }),
  });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: "tensorType", value: tensorType } }),
  });
}
