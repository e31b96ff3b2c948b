/** Host tensors: a typed array with a shape. */
import { ShapeError } from "../../errors.js";
import { allocate, type DType, type HostArray, type HostArrays } from "./dtype.js";
import { elementCount, formatShape, type StaticShape } from "./shape.js";

/** Values in row-major order. */
export interface Tensor<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: StaticShape;
  readonly data: HostArrays[D];
}

/**
 * Wraps `data`, which is not copied. @throws ShapeError when lengths differ.
 * @example
 * import { tensor } from "sdfn/models";
 * console.log(tensor("float64", [2], Float64Array.of(1, 2)).shape); // [ 2 ]
 */
export function tensor<D extends DType>(dtype: D, shape: StaticShape, data: HostArrays[D]): Tensor<D> {
  if (data.length !== elementCount(shape)) {
    throw new ShapeError("tensor", `${formatShape(shape)} needs ${elementCount(shape)} elements`, {
      length: data.length,
    });
  }
  return { dtype, shape, data };
}

/** All zeros. */
export function zeros<D extends DType>(dtype: D, shape: StaticShape): Tensor<D> {
  return { dtype, shape, data: allocate(dtype, elementCount(shape)) };
}

/**
 * float32 from plain numbers.
 * @example
 * import { float32 } from "sdfn/models";
 * console.log(float32([2], [1, 2]).data); // Float32Array(2) [ 1, 2 ]
 */
export function float32(shape: StaticShape, values: ArrayLike<number>): Tensor<"float32"> {
  return tensor("float32", shape, Float32Array.from(values));
}

/**
 * int64 from plain numbers.
 * @example
 * import { int64 } from "sdfn/models";
 * console.log(int64([2], [1, 2]).data); // BigInt64Array(2) [ 1n, 2n ]
 */
export function int64(shape: StaticShape, values: ArrayLike<number>): Tensor<"int64"> {
  return tensor("int64", shape, BigInt64Array.from(Array.from(values, BigInt)));
}

/** The first element as a number; for scalars. */
export function scalarOf(source: Tensor): number {
  const data: HostArray = source.data;
  return Number(data[0]);
}
