/** Element types and the host arrays that hold them. */

/** Element types of graph values. `float16` exists for storage only. */
export type ElementType = "float32" | "float64" | "int32" | "int64" | "uint8" | "bool";

/** Host array of each element type; `bool` is one byte an element, 0 or 1. */
export interface HostArrays {
  float32: Float32Array;
  float64: Float64Array;
  int32: Int32Array;
  int64: BigInt64Array;
  uint8: Uint8Array;
  bool: Uint8Array;
}

/** Any host array. */
export type HostArray = HostArrays[ElementType];

const constructors = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

/** A zero-filled host array of `length` elements. */
export function allocate<E extends ElementType>(elementType: E, length: number): HostArrays[E] {
  return new constructors[elementType](length) as HostArrays[E];
}

/** Bytes of one element. */
export function elementSizeBytes(elementType: ElementType): number {
  return constructors[elementType].BYTES_PER_ELEMENT;
}

/** Is this a type that gradients flow through? */
export function isFloating(elementType: ElementType): elementType is "float32" | "float64" {
  return elementType === "float32" || elementType === "float64";
}
