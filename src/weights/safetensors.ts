/** The safetensors format: reads and writes tensors by name; nothing in a file is executed. */
import { closeSync, fstatSync, openSync, readSync, renameSync, writeSync } from "node:fs";
import { z } from "zod";
import { WeightsError } from "../errors.js";
import { type DType, viewBytes } from "../tensor/dtype.js";
import type { Tensor } from "../tensor/tensor.js";

/** Tensors and the file's own remarks. */
export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** As the official reader limits it. */
const MAX_HEADER_BYTES = 100_000_000;

/** How each stored type is read; half precision becomes float32. */
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

const storedTypes: Record<DType, keyof typeof readers> = {
  float16: "F16",
  float32: "F32",
  float64: "F64",
  int64: "I64",
  int32: "I32",
  uint8: "U8",
  bool: "BOOL",
};

const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(z.number().int().nonnegative()),
  data_offsets: z.tuple([z.number().int().nonnegative(), z.number().int().nonnegative()]),
});
const headerSchema = z
  .object({ __metadata__: z.record(z.string(), z.string()).optional() })
  .catchall(entrySchema);

/**
 * Reads a whole file. F16 and BF16 are converted to float32.
 * @throws WeightsError naming the file, the tensor and what is wrong with it.
 */
export function readSafetensors(file: string): SafetensorsFile {
  const descriptor = open(file);
  try {
    const fileBytes = fstatSync(descriptor).size;
    const lengthBytes = readAt(file, descriptor, 0, 8, fileBytes);
    const headerBytes = Number(new DataView(lengthBytes.buffer).getBigUint64(0, true));
    if (headerBytes > MAX_HEADER_BYTES || headerBytes > fileBytes - 8) {
      throw new WeightsError(
        `${file}: not a safetensors file; got a header of ${headerBytes} bytes in a file of ${fileBytes}`,
      );
    }
    const header = parseHeader(file, readAt(file, descriptor, 8, headerBytes, fileBytes));
    const dataStart = 8 + headerBytes;
    const { __metadata__: metadata = {}, ...entries } = header;
    const tensors = new Map<string, Tensor>();
    for (const [name, entry] of Object.entries(entries as Record<string, z.infer<typeof entrySchema>>)) {
      const where = `${file}: tensor "${name}"`;
      const reader = readers[entry.dtype as keyof typeof readers] as
        | (typeof readers)[keyof typeof readers]
        | undefined;
      if (!reader)
        throw new WeightsError(
          `${where}: type must be one of ${Object.keys(readers).join(", ")}; got ${entry.dtype}`,
        );
      const [start, end] = entry.data_offsets;
      const expected = entry.shape.reduce((product, dim) => product * dim, reader.sizeBytes);
      if (end - start !== expected || dataStart + end > fileBytes) {
        throw new WeightsError(
          `${where}: [${entry.shape.join(", ")}] of ${entry.dtype} needs ${expected} bytes inside the file; got ${start} to ${end} of ${fileBytes - dataStart}; the file may be cut short`,
        );
      }
      const bytes = readAt(file, descriptor, dataStart + start, expected, fileBytes);
      const data = reader.convert ? reader.convert(viewHalves(bytes)) : viewBytes(reader.dtype, bytes);
      tensors.set(name, { dtype: reader.dtype, shape: entry.shape, data } as Tensor);
    }
    return { tensors, metadata };
  } finally {
    closeSync(descriptor);
  }
}

/** Writes a file whole or not at all; equal tensors and metadata give equal bytes. */
export function writeSafetensors(
  file: string,
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): void {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const [name, { dtype, shape, data }] of tensors) {
    header[name] = { dtype: storedTypes[dtype], shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const json = JSON.stringify(header);
  const text = Buffer.from(json + " ".repeat((8 - (Buffer.byteLength(json) % 8)) % 8)); // data starts at a multiple of 8
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const partial = `${file}.partial`;
  const descriptor = openSync(partial, "w");
  try {
    writeAll(descriptor, length);
    writeAll(descriptor, text);
    for (const { data } of tensors.values()) {
      writeAll(descriptor, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
  } finally {
    closeSync(descriptor);
  }
  renameSync(partial, file);
}

function open(file: string): number {
  try {
    return openSync(file, "r");
  } catch (cause) {
    throw new WeightsError(`${file}: cannot be opened; got ${(cause as Error).message}; check the path`, {
      cause,
    });
  }
}

function parseHeader(file: string, bytes: Uint8Array): z.infer<typeof headerSchema> {
  try {
    return headerSchema.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new WeightsError(
      `${file}: not a safetensors file, its header is damaged; ${reason.slice(0, 300)}`,
      { cause },
    );
  }
}

function readAt(
  file: string,
  descriptor: number,
  position: number,
  length: number,
  fileBytes: number,
): Uint8Array<ArrayBuffer> {
  if (position + length > fileBytes) {
    throw new WeightsError(
      `${file}: cut short; got ${fileBytes} bytes, needs ${position + length}; copy or download it again`,
    );
  }
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const count = readSync(descriptor, bytes, done, length - done, position + done);
    if (count === 0)
      throw new WeightsError(`${file}: ended while it was read; is another program writing it?`);
    done += count;
  }
  return bytes;
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
}

function viewHalves(bytes: Uint8Array<ArrayBuffer>): Uint16Array {
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
}

/** bfloat16 is the upper half of a float32. */
function brainToFloat(bits: Uint16Array): Float32Array {
  const wide = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i += 1) wide[i] = ((bits[i] ?? 0) << 16) >>> 0;
  return new Float32Array(wide.buffer);
}

/** IEEE half precision: 1 sign, 5 exponent, 10 fraction bits. */
function halfToFloat(bits: Uint16Array): Float32Array {
  const result = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i += 1) {
    const half = bits[i] ?? 0;
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) result[i] = sign * fraction * 2 ** -24;
    else if (exponent === 0x1f) result[i] = fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    else result[i] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return result;
}
