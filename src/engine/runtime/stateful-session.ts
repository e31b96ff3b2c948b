/** Runs a graph that updates parameters, such as a training step. */
import type * as ort from "onnxruntime-node";
import { GraphError } from "../../errors.js";
import { type LoweredGraph, lower } from "../graph/lower.js";
import type { ParameterUpdate } from "../graph/parameter-update.js";
import { type GraphMemory, graphMemory } from "../graph/peak-memory.js";
import type { Parameter, Value } from "../graph/value.js";
import { sameShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { createOrtSession, type Feeds, fromOrt, type SessionOptions, toOrt, toOrtFeeds } from "./session.js";

export interface StatefulSessionOptions<Output extends string> extends SessionOptions {
  /** Is told what a run will need before ONNX Runtime is started; what it throws, `compile` throws. */
  readonly beforeCompile?: ((memory: GraphMemory) => void) | undefined;
  /** Looks at the outputs of a run; false keeps the parameters as they were before it. */
  readonly accept?: (outputs: Record<Output, Tensor>) => boolean;
}

/**
 * A graph with state. Every updated parameter has two buffers of its size: a run reads one and writes the
 * other, then they change roles; nothing of parameter size is allocated by a run.
 */
export class StatefulSession<Output extends string> {
  readonly #session: ort.InferenceSession;
  readonly #lowered: LoweredGraph;
  readonly #updates: readonly (ParameterUpdate & { spare: Float32Array; outputName: string })[];
  readonly #outputNames: readonly Output[];
  readonly #accept: (outputs: Record<Output, Tensor>) => boolean;
  #isRunning = false;

  private constructor(
    session: ort.InferenceSession,
    lowered: LoweredGraph,
    outputNames: readonly Output[],
    updates: readonly ParameterUpdate[],
    accept: (outputs: Record<Output, Tensor>) => boolean,
  ) {
    this.#session = session;
    this.#lowered = lowered;
    this.#outputNames = outputNames;
    this.#updates = updates.map((update, i) => ({
      ...update,
      spare: new Float32Array(update.parameter.data.length),
      outputName: updateName(i),
    }));
    this.#accept = accept;
  }

  /** @throws GraphError when a parameter is updated twice or its next value has another type. */
  static async compile<Output extends string>(
    outputs: Readonly<Record<Output, Value>>,
    updates: readonly ParameterUpdate[],
    { accept = () => true, beforeCompile, ...options }: StatefulSessionOptions<Output> = {},
  ): Promise<StatefulSession<Output>> {
    if (new Set(updates.map(({ parameter }) => parameter)).size !== updates.length) {
      throw new GraphError("StatefulSession: a parameter is updated twice");
    }
    for (const { parameter, next } of updates) {
      if (next.dtype !== parameter.dtype || !sameShape(next.shape, parameter.shape)) {
        throw new GraphError(
          `StatefulSession: a parameter's next value must keep its type; got ${parameter} and ${next}`,
        );
      }
    }
    const all: Record<string, Value> = {};
    for (const [i, { next }] of updates.entries()) all[updateName(i)] = next;
    // ONNX Runtime computes first what comes last; `outputs` may be in an order that saves memory.
    Object.assign(all, outputs);
    beforeCompile?.(graphMemory([{ outputs: Object.values<Value>(outputs), updates }]));
    const lowered = lower(all, { parameters: "fed" });
    const session = await createOrtSession(lowered, options);
    return new StatefulSession(session, lowered, Object.keys(outputs) as Output[], updates, accept);
  }

  /** Does a run need the input `name`? A graph takes only what its outputs depend on. */
  hasInput(name: string): boolean {
    return this.#lowered.inputs.has(name);
  }

  /**
   * Runs once and, if accepted, moves every updated parameter to its next value. Occupies the calling thread meanwhile.
   * @throws GraphError when a run is under way.
   */
  async run(feeds: Feeds): Promise<{ outputs: Record<Output, Tensor>; isAccepted: boolean }> {
    if (this.#isRunning) throw new GraphError("StatefulSession: a run is under way; await it first");
    this.#isRunning = true;
    try {
      const ortFeeds = toOrtFeeds(this.#lowered.inputs, feeds);
      for (const [name, { shape, data }] of this.#lowered.parameters) {
        ortFeeds[name] = toOrt({ dtype: "float32", shape, data });
      }
      const fetches: Record<string, ort.Tensor | null> = Object.fromEntries(
        this.#outputNames.map((name) => [name, null]),
      );
      for (const { parameter, spare, outputName } of this.#updates) {
        fetches[outputName] = toOrt({ dtype: "float32", shape: parameter.shape, data: spare });
      }
      const results = await this.#session.run(ortFeeds, fetches);
      const outputs = Object.fromEntries(
        this.#outputNames.map((name) => [name, fromOrt(results[name] as ort.Tensor)]),
      ) as Record<Output, Tensor>;
      const isAccepted = this.#accept(outputs);
      if (isAccepted) {
        for (const update of this.#updates) {
          const used = update.parameter.data;
          update.parameter.data = update.spare;
          update.spare = used;
        }
      }
      return { outputs, isAccepted };
    } finally {
      this.#isRunning = false;
    }
  }

  /** After a run that was not accepted: the parameters whose next values would have been NaN or infinite. */
  get notFinite(): readonly Parameter[] {
    return this.#updates
      .filter(({ spare }) => !spare.every(Number.isFinite))
      .map(({ parameter }) => parameter);
  }

  /** Frees the native session; parameters keep their values. */
  async release(): Promise<void> {
    await this.#session.release();
  }
}

function updateName(index: number): string {
  return `update_${index}`;
}
