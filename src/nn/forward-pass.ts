/** What differs between building a training graph and an inference graph. */
import type { ParameterUpdate } from "../engine/graph/parameter-update.js";
import { Input, type Parameter, type Value } from "../engine/graph/value.js";
import { dropout } from "../engine/ops/dropout.js";
import { requireStatic } from "../engine/tensor/shape.js";

export type Mode = "training" | "inference";

/** A noise input of a training graph, to be filled afresh for every run: 1 keeps an element, 0 drops it. */
export interface DropoutMask {
  readonly input: Input;
  readonly keepProbability: number;
}

/** What layers leave behind for whoever runs the graph. */
interface Traces {
  readonly masks: DropoutMask[];
  readonly updates: Map<Parameter, Value>;
}

/**
 * One pass through a model. Layers ask it for dropout and tell it the next values of their buffers; afterwards
 * `dropoutMasks` says what to feed at every run and `bufferUpdates` what to hand to the stateful session.
 * @example
 * import { ForwardPass, Input } from "sdfn/models";
 * const x = new Input("x", "float32", [2, 3]);
 * const [training, inference] = [ForwardPass.training(), ForwardPass.inference()];
 * console.log(training.dropout(x, 0.1) === x, inference.dropout(x, 0.1) === x); // false true
 */
export class ForwardPass {
  readonly mode: Mode;
  /** Whether batch norm normalises by the batch's own statistics, and moves the running ones. */
  readonly usesBatchStatistics: boolean;
  readonly #traces: Traces;

  private constructor(mode: Mode, usesBatchStatistics: boolean, traces: Traces) {
    this.mode = mode;
    this.usesBatchStatistics = usesBatchStatistics;
    this.#traces = traces;
  }

  /** Dropout drops, batch norm uses the batch. */
  static training(): ForwardPass {
    return new ForwardPass("training", true, { masks: [], updates: new Map() });
  }

  /** Dropout is the identity, batch norm uses its running statistics. */
  static inference(): ForwardPass {
    return new ForwardPass("inference", false, { masks: [], updates: new Map() });
  }

  /** The same pass for a part whose batch norms keep their running statistics, such as a pretrained backbone. */
  withFrozenStatistics(): ForwardPass {
    return new ForwardPass(this.mode, false, this.#traces);
  }

  /** What follows in a graph that runs after this one: masks are numbered on, buffers are read as they stand then. */
  ofAnotherGraph(): ForwardPass {
    const { masks } = this.#traces;
    return new ForwardPass(this.mode, this.usesBatchStatistics, { masks, updates: new Map() });
  }

  /** Dropout masks to feed (uint8), in the order of their layers; named `dropout.0`, `dropout.1`, ... */
  get dropoutMasks(): readonly DropoutMask[] {
    return this.#traces.masks;
  }

  /** What buffers, such as running statistics, become. */
  get bufferUpdates(): readonly ParameterUpdate[] {
    return [...this.#traces.updates].map(([parameter, next]) => ({ parameter, next }));
  }

  /**
   * In training each element of x is 0 with `probability`, else x / (1 - probability); in inference x itself.
   * @throws ShapeError in training when x has a symbolic axis.
   */
  dropout(x: Value, probability: number): Value {
    if (this.mode === "inference" || probability === 0) return x;
    const { masks } = this.#traces;
    const input = new Input(`dropout.${masks.length}`, "uint8", requireStatic("dropout", x.shape));
    const keepProbability = 1 - probability;
    masks.push({ input, keepProbability });
    return dropout(x, input, keepProbability);
  }

  /** The value of `buffer` as earlier layers of this pass leave it. */
  currentValue(buffer: Parameter): Value {
    return this.#traces.updates.get(buffer) ?? buffer;
  }

  /** `buffer` becomes `next` when the graph has run. */
  updateBuffer(buffer: Parameter, next: Value): void {
    this.#traces.updates.set(buffer, next);
  }
}
