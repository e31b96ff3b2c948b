/** Host tensors: a typed array with a shape. */
import { ShapeError } from "../errors.js";
import { allocate, type ElementType, type HostArray, type HostArrays } from "./element-type.js";
import { elementCount, formatShape, type StaticShape } from "./shape.js";

/** Values in row-major order. */
export interface Tensor<E extends ElementType = ElementType> {
  readonly elementType: E;
  readonly shape: StaticShape;
  readonly data: HostArrays[E];
}

/** Wraps `data`, which is not copied. @throws ShapeError when lengths differ. */
export function tensor<E extends ElementType>(
  elementType: E,
  shape: StaticShape,
  data: HostArrays[E],
): Tensor<E> {
  if (data.length !== elementCount(shape)) {
    throw new ShapeError("tensor", `${formatShape(shape)} needs ${elementCount(shape)} elements`, {
      length: data.length,
    });
  }
  return { elementType, shape, data };
}

/** All zeros. */
export function zeros<E extends ElementType>(elementType: E, shape: StaticShape): Tensor<E> {
  return { elementType, shape, data: allocate(elementType, elementCount(shape)) };
}

/** float32 from plain numbers. */
export function float32(shape: StaticShape, values: ArrayLike<number>): Tensor<"float32"> {
  return tensor("float32", shape, Float32Array.from(values));
}

/** int64 from plain numbers. */
export function int64(shape: StaticShape, values: ArrayLike<number>): Tensor<"int64"> {
  return tensor("int64", shape, BigInt64Array.from(Array.from(values, BigInt)));
}

/** An independent copy. */
export function cloneTensor<E extends ElementType>(source: Tensor<E>): Tensor<E> {
  return { ...source, data: source.data.slice() as HostArrays[E] };
}

/** The first element as a number; for scalars. */
export function scalarOf(source: Tensor): number {
  const data: HostArray = source.data;
  return Number(data[0]);
}
