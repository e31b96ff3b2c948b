import { toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { GraphError } from "../../errors.js";
import { lower } from "../graph/lower.js";
import { Input, Parameter } from "../graph/value.js";
import { ModelProtoSchema } from "../onnx/onnx_pb.js";
import { OnnxGraph, parseModel } from "../onnx/onnx-graph.js";
import { add } from "../ops/arithmetic.js";
import { float32 } from "../tensor/tensor.js";
import { readModel } from "./read-model.js";
import { GraphSession } from "./session.js";

const weight = new Parameter([3], Float32Array.of(1, 2, 3));
const sum = add(new Input("x", "float32", ["batch", 3]), weight);
const { model } = lower({ y: sum }, { parameters: "baked" });

describe("readModel", () => {
  it("reads what lower wrote: inputs, outputs, and the same results", async () => {
    const read = readModel(model);
    expect([...read.inputs].map(([name, value]) => `${name} ${value}`)).toEqual(["x float32[batch, 3]"]);
    expect([...read.outputs].map(([name, type]) => `${name} ${type}`)).toEqual(["y float32[batch, 3]"]);
    const session = await GraphSession.open(model, { threadCount: 1 });
    const { y } = await session.run({ x: float32([2, 3], [0, 0, 0, 1, 1, 1]) });
    expect(Array.from(y?.data ?? [], Number)).toEqual([1, 2, 3, 2, 3, 4]);
    expect(session.outputNames).toEqual(["y"]);
    await session.release();
  });

  it("refuses weights that lie in other files, so that none is ever opened", async () => {
    const parsed = parseModel(model);
    const initializer = parsed.graph?.initializer[0];
    if (!initializer) throw new Error("there is no weight");
    initializer.rawData = new Uint8Array();
    const location = Buffer.from("\n\x08location\x12\x0asecret.bin", "latin1");
    const bytes = (data: Uint8Array) => new Uint8Array([data.length, ...data]);
    initializer.$unknown = [
      { no: 13, wireType: 2, data: bytes(location) }, // external_data
      { no: 14, wireType: 0, data: Uint8Array.of(1) }, // data_location = EXTERNAL
    ];
    const hostile = toBinary(ModelProtoSchema, parsed);
    expect(Buffer.from(hostile).includes("secret.bin")).toBe(true);
    expect(() => readModel(hostile)).toThrow(/fields that this project does not write/);
    await expect(GraphSession.open(hostile)).rejects.toThrow(GraphError);
  });

  it("refuses other bytes, other domains, other types and other symbols", () => {
    expect(() => readModel(new Uint8Array())).toThrow(GraphError);
    expect(() => readModel(new TextEncoder().encode("no model at all"))).toThrow(GraphError);
    const foreign = new OnnxGraph();
    const x = foreign.input("x", "float32", [2]);
    foreign.output("y", foreign.node("Gelu", [x], {}, { domain: "com.microsoft" }), "float32", [2]);
    expect(() => readModel(foreign.toBytes())).toThrow(/standard domain; got com\.microsoft\.Gelu/);
    const changed = (type: number, symbol: string) => {
      const parsed = parseModel(model);
      const value = parsed.graph?.input[0]?.type?.value;
      if (value?.case !== "tensorType") throw new Error("there is no input");
      value.value.elemType = type;
      const [dim] = value.value.shape?.dim ?? [];
      if (dim) dim.value = { case: "dimParam", value: symbol };
      return toBinary(ModelProtoSchema, parsed);
    };
    expect(() => readModel(changed(8, "batch"))).toThrow(/"x" must be a tensor of a known element type/);
    expect(() => readModel(changed(1, "others"))).toThrow(
      /must be numbers or batch, words, rows, tokens; got others/,
    );
  });
});
