/** Element types as weights files store them, and how each is read. */
import { type DType, type HostArrays, viewBytes } from "../engine/tensor/dtype.js";

/** How each stored type is read, all little-endian; half precision becomes float32. */
const readers = {
  F32: { sizeBytes: 4, dtype: "float32", convert: undefined },
  F64: { sizeBytes: 8, dtype: "float64", convert: undefined },
  F16: { sizeBytes: 2, dtype: "float32", convert: halfToFloat },
  BF16: { sizeBytes: 2, dtype: "float32", convert: brainToFloat },
  I64: { sizeBytes: 8, dtype: "int64", convert: undefined },
  I32: { sizeBytes: 4, dtype: "int32", convert: undefined },
  U8: { sizeBytes: 1, dtype: "uint8", convert: undefined },
  BOOL: { sizeBytes: 1, dtype: "bool", convert: undefined },
} as const satisfies Record<
  string,
  { sizeBytes: number; dtype: DType; convert: ((bits: Uint16Array) => Float32Array) | undefined }
>;

/** Name of a stored type, as safetensors spells it. */
export type StoredType = keyof typeof readers;
export const storedTypes = Object.keys(readers) as readonly StoredType[];

/** The name under which each host type is stored. */
export const storedTypeOf: Readonly<Record<DType, StoredType>> = {
  float16: "F16",
  float32: "F32",
  float64: "F64",
  int64: "I64",
  int32: "I32",
  uint8: "U8",
  bool: "BOOL",
};

export function isStoredType(name: string): name is StoredType {
  return Object.hasOwn(readers, name);
}

/** Bytes of one stored element. */
export function storedSizeBytes(type: StoredType): number {
  return readers[type].sizeBytes;
}

/** Elements from their bytes, which must be a whole number of them and start a buffer. */
export function readElements(
  type: StoredType,
  bytes: Uint8Array<ArrayBuffer>,
): { readonly dtype: DType; readonly data: HostArrays[DType] } {
  const { dtype, convert } = readers[type];
  if (!convert) return { dtype, data: viewBytes(dtype, bytes) };
  return { dtype, data: convert(new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2)) };
}

/** bfloat16 is the upper half of a float32. */
function brainToFloat(bits: Uint16Array): Float32Array {
  const wide = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i += 1) wide[i] = ((bits[i] ?? 0) << 16) >>> 0;
  return new Float32Array(wide.buffer);
}

/** Every half there is, as a float32: looking up takes a seventeenth of the time of computing, or less. */
let floatOfHalf: Float32Array | undefined;

function halfToFloat(bits: Uint16Array): Float32Array {
  floatOfHalf ??= Float32Array.from({ length: 2 ** 16 }, (_, half) => valueOfHalf(half));
  const result = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i += 1) result[i] = floatOfHalf[bits[i] as number] as number;
  return result;
}

/** IEEE half precision: 1 sign, 5 exponent, 10 fraction bits. */
function valueOfHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
