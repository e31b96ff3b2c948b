/** What graphs are made of: inputs, parameters, constants, and the results of ops. */
import { ShapeError } from "../../errors.js";
import type { OnnxGraph } from "../onnx/onnx-graph.js";
import type { DType } from "../tensor/dtype.js";
import { elementCount, formatShape, type Shape, type StaticShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";

/** Element type and shape of a value; prints as `float32[2, 3]`. */
export class TensorType {
  constructor(
    readonly dtype: DType,
    readonly shape: Shape,
  ) {}

  toString(): string {
    return `${this.dtype}${formatShape(this.shape)}`;
  }
}

/** A node of a computation graph: one tensor, computed when the graph runs. */
export abstract class Value {
  constructor(readonly type: TensorType) {}

  get dtype(): DType {
    return this.type.dtype;
  }

  get shape(): Shape {
    return this.type.shape;
  }

  get rank(): number {
    return this.type.shape.length;
  }

  /** Length of one axis as a number; negative counts from the back. @throws ShapeError when absent or symbolic. */
  dim(axis: number): number {
    const length = this.shape.at(axis);
    if (typeof length !== "number")
      throw new ShapeError("dim", `axis ${axis} has no fixed length`, { value: this });
    return length;
  }

  toString(): string {
    return this.type.toString();
  }
}

/**
 * A tensor given at every run, under its name.
 * @example
 * import { float32, Input, multiply, runOnce } from "sdfn/models";
 * const x = new Input("x", "float32", [2]);
 * const { y } = await runOnce({ y: multiply(x, 2) }, { x: float32([2], [1, 2]) });
 * console.log(y.data); // Float32Array(2) [ 2, 4 ]
 */
export class Input extends Value {
  constructor(
    readonly name: string,
    dtype: DType,
    shape: Shape,
  ) {
    super(new TensorType(dtype, shape));
  }
}

/** A tensor that is part of the graph. */
export class Constant extends Value {
  constructor(readonly tensor: Tensor) {
    super(new TensorType(tensor.dtype, tensor.shape));
  }
}

/**
 * A float32 tensor that outlives a run: a weight, a running statistic, an optimizer's moment.
 * `data` is its current value; a stateful session replaces it after every run.
 * @example
 * import { Parameter } from "sdfn/models";
 * const weight = new Parameter([2], Float32Array.of(1, 2));
 * console.log(weight.isTrainable, weight.data); // true Float32Array(2) [ 1, 2 ]
 */
export class Parameter extends Value {
  data: Float32Array;
  /** False for buffers such as running statistics, which no gradient changes. */
  readonly isTrainable: boolean;
  /** Parameters of one group share a factor of the learning rate; none by default. */
  rateGroup: string | undefined;

  constructor(
    shape: StaticShape,
    data: Float32Array,
    { isTrainable = true }: { isTrainable?: boolean } = {},
  ) {
    super(new TensorType("float32", shape));
    if (data.length !== elementCount(shape)) {
      throw new ShapeError("Parameter", `${formatShape(shape)} needs ${elementCount(shape)} values`, {
        length: data.length,
      });
    }
    this.data = data;
    this.isTrainable = isTrainable;
  }

  override get shape(): StaticShape {
    return this.type.shape as StaticShape;
  }
}

/** The output of an op; `applyOp` makes them. */
export class Result extends Value {
  constructor(
    type: TensorType,
    readonly opName: string,
    readonly inputs: ReadonlyMap<string, Value>,
    /** d(loss)/d(input) from d(loss)/d(this), or undefined where the op says "not differentiable". */
    readonly gradientOf: (input: string, dy: Value) => Value | undefined,
    /** Adds this result's nodes and returns the output's name. */
    readonly addNodes: (graph: OnnxGraph, inputNames: ReadonlyMap<string, string>) => string,
    /** Memory that the nodes take between them, while they run. */
    readonly workspaceBytes: number,
  ) {
    super(type);
  }
}
