/** Runs graphs on ONNX Runtime: the only place that imports it. */
import { availableParallelism } from "node:os";
import * as ort from "onnxruntime-node";
import { GraphError, ShapeError } from "../../errors.js";
import { type LoweredGraph, lower, type ParameterMode } from "../graph/lower.js";
import type { Input, TensorType, Value } from "../graph/value.js";
import type { DType, HostArrays } from "../tensor/dtype.js";
import { elementCount, formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { readModel } from "./read-model.js";

/** How to run. */
export interface SessionOptions {
  /** Threads inside one operator; the number of cores by default. */
  readonly threadCount?: number;
}

/** Tensors by name. */
export type Feeds = Readonly<Record<string, Tensor>>;

const ortTypes = {
  float16: "float16",
  float32: "float32",
  float64: "float64",
  int32: "int32",
  int64: "int64",
  uint8: "uint8",
  bool: "bool",
} as const satisfies Record<DType, ort.Tensor.Type>;

/** A view of a host tensor that ONNX Runtime reads and writes in place. */
export function toOrt({ dtype, shape, data }: Tensor): ort.Tensor {
  const tensor = new ort.Tensor(ortTypes[dtype], data as Float32Array, shape);
  // Where Node.js has half-precision arrays, the package makes one of the bits, and its native part reads nothing of it.
  if (dtype === "float16") Object.defineProperty(tensor, "cpuData", { value: data });
  return tensor;
}

/** The host tensor of a result, not copied. */
export function fromOrt(value: ort.Tensor): Tensor {
  const dtype = value.type as DType;
  if (dtype === "float16") return { dtype, shape: value.dims, data: halfBits(value.data as Uint16Array) };
  return { dtype, shape: value.dims, data: value.data as HostArrays[DType] } as Tensor;
}

/** Newer Node.js has half-precision arrays, which hide the bits. */
function halfBits({ buffer, byteOffset, length }: Uint16Array): Uint16Array {
  return new Uint16Array(buffer, byteOffset, length);
}

/** Starts ONNX Runtime on a lowered graph. */
export async function createOrtSession(
  { model, parameters }: LoweredGraph,
  { threadCount = availableParallelism() }: SessionOptions,
): Promise<ort.InferenceSession> {
  return ort.InferenceSession.create(model, {
    executionProviders: ["cpu"],
    graphOptimizationLevel: "all",
    executionMode: "sequential",
    // With a plan of its allocations a training graph holds its memory twice: as the first run left it, and as planned.
    enableMemPattern: parameters.size === 0,
    // What fails is thrown: names of a file's nodes must not reach the terminal past the program.
    logSeverityLevel: 4,
    // ONNX Runtime's own default counts physical cores, half of what a virtual machine has.
    intraOpNumThreads: threadCount,
    // Threads of one session must not spin while another session runs.
    extra: { session: { force_spinning_stop: "1" } },
  });
}

/** Checks feeds against the declared inputs. @throws GraphError, ShapeError naming the input. */
export function toOrtFeeds(inputs: ReadonlyMap<string, Input>, feeds: Feeds): Record<string, ort.Tensor> {
  const result: Record<string, ort.Tensor> = {};
  for (const [name, input] of inputs) {
    const tensor = feeds[name];
    if (!tensor) throw new GraphError(`run: input "${name}" ${input} was not given`);
    const fits =
      tensor.dtype === input.dtype &&
      tensor.shape.length === input.rank &&
      tensor.shape.every((dim, axis) => input.shape[axis] === dim || typeof input.shape[axis] === "string");
    if (!fits) {
      throw new ShapeError(`run: input "${name}"`, `wants ${input}`, {
        feed: `${tensor.dtype}${formatShape(tensor.shape)}`,
      });
    }
    if (tensor.data.length !== elementCount(tensor.shape)) {
      throw new ShapeError(`run: input "${name}"`, `wants ${elementCount(tensor.shape)} elements`, {
        length: tensor.data.length,
      });
    }
    result[name] = toOrt(tensor);
  }
  for (const name of Object.keys(feeds)) {
    if (!inputs.has(name))
      throw new GraphError(`run: there is no input "${name}"; inputs are ${[...inputs.keys()].join(", ")}`);
  }
  return result;
}

/** Of some tensors, those that a graph takes: a graph takes only what its outputs depend on. */
export function usedFeeds<Value>(
  session: { hasInput(name: string): boolean },
  feeds: Readonly<Record<string, Value>>,
): Record<string, Value> {
  return Object.fromEntries(Object.entries(feeds).filter(([name]) => session.hasInput(name)));
}

/** A graph without state, ready to run: outputs by name from inputs by name. */
export class GraphSession<Output extends string> {
  readonly #session: ort.InferenceSession;
  readonly #lowered: LoweredGraph;

  private constructor(session: ort.InferenceSession, lowered: LoweredGraph) {
    this.#session = session;
    this.#lowered = lowered;
  }

  /**
   * Compiles the graph of `outputs`. `parameters: "baked"` fixes them at their values of now, which lets
   * ONNX Runtime lay weights out for speed; `"fed"` reads their current values at every run.
   */
  static async compile<Output extends string>(
    outputs: Readonly<Record<Output, Value>>,
    { parameters = "baked", ...options }: SessionOptions & { parameters?: ParameterMode } = {},
  ): Promise<GraphSession<Output>> {
    const lowered = lower(outputs, { parameters });
    return new GraphSession(await createOrtSession(lowered, options), lowered);
  }

  /** Loads a model file. @throws GraphError when it is none that may run; whatever ONNX Runtime throws. */
  static async open(
    bytes: Uint8Array<ArrayBuffer>,
    options: SessionOptions = {},
  ): Promise<GraphSession<string>> {
    const read = readModel(bytes);
    return new GraphSession<string>(await createOrtSession(read, options), read);
  }

  /** What a run takes. */
  get inputs(): ReadonlyMap<string, TensorType> {
    return new Map([...this.#lowered.inputs].map(([name, { type }]) => [name, type]));
  }

  /** What a run gives. */
  get outputNames(): readonly string[] {
    return this.#session.outputNames;
  }

  /** Does a run need the input `name`? A graph takes only what its outputs depend on. */
  hasInput(name: string): boolean {
    return this.#lowered.inputs.has(name);
  }

  /** Computes all outputs; occupies the calling thread until they are there. @throws GraphError, ShapeError for feeds that do not fit. */
  async run(feeds: Feeds): Promise<Record<Output, Tensor>> {
    const ortFeeds = toOrtFeeds(this.#lowered.inputs, feeds);
    for (const [name, { shape, data }] of this.#lowered.parameters) {
      ortFeeds[name] = toOrt({ dtype: "float32", shape, data });
    }
    const results = await this.#session.run(ortFeeds);
    return Object.fromEntries(
      Object.entries(results).map(([name, value]) => [name, fromOrt(value)]),
    ) as Record<Output, Tensor>;
  }

  /** Frees the native session; no run may follow. */
  async release(): Promise<void> {
    await this.#session.release();
  }
}

/**
 * Compiles, runs once and releases: for tests and one-off computations.
 * @example
 * import { add, constant, float32, Input, runOnce } from "sdfn/models";
 * const x = new Input("x", "float32", [2]);
 * const { y } = await runOnce({ y: add(x, 1) }, { x: float32([2], [1, 2]) });
 * console.log(y.data); // Float32Array(2) [ 2, 3 ]
 */
export async function runOnce<Output extends string>(
  outputs: Readonly<Record<Output, Value>>,
  feeds: Feeds = {},
): Promise<Record<Output, Tensor>> {
  const session = await GraphSession.compile(outputs);
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}
