/** Element types and the host arrays that hold them. */

/** Element type of a tensor. */
export type DType = "float16" | "float32" | "float64" | "int32" | "int64" | "uint8" | "bool";

/** Host array of each element type; `bool` is one byte an element, 0 or 1; `float16` holds IEEE half-precision bits. */
export interface HostArrays {
  float16: Uint16Array;
  float32: Float32Array;
  float64: Float64Array;
  int32: Int32Array;
  int64: BigInt64Array;
  uint8: Uint8Array;
  bool: Uint8Array;
}

/** Any host array. */
export type HostArray = HostArrays[DType];

const constructors = {
  float16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

/** A zero-filled host array of `length` elements. */
export function allocate<D extends DType>(dtype: D, length: number): HostArrays[D] {
  return new constructors[dtype](length) as HostArrays[D];
}

/** A host array over the bytes of `buffer`, not copied. */
export function viewBytes<D extends DType>(dtype: D, bytes: Uint8Array): HostArrays[D] {
  const size = constructors[dtype].BYTES_PER_ELEMENT;
  return new constructors[dtype](
    bytes.buffer as ArrayBuffer,
    bytes.byteOffset,
    bytes.byteLength / size,
  ) as HostArrays[D];
}

/** Bytes of one element. */
export function dtypeSizeBytes(dtype: DType): number {
  return constructors[dtype].BYTES_PER_ELEMENT;
}

/** Is this a type that gradients flow through? float16 is for storage: cast it first. */
export function isFloating(dtype: DType): dtype is "float32" | "float64" {
  return dtype === "float32" || dtype === "float64";
}
