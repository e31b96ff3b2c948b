/** The safetensors format: reads and writes tensors by name; nothing in a file is executed. */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { Tensor } from "../engine/tensor/tensor.js";
import { WeightsError } from "../errors.js";
import { writeWholeSync } from "../files/whole.js";
import {
  isStoredType,
  readElements,
  type StoredType,
  storedSizeBytes,
  storedTypeOf,
  storedTypes,
} from "./stored-type.js";
import { WeightsSource } from "./weights-source.js";

/** Tensors and the file's own remarks. */
export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** What each tensor was stored as. */
  readonly storedTypes: ReadonlyMap<string, StoredType>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A file that was written, to be compared with what is read later. */
export interface WrittenFile {
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** As the official reader limits it. */
const maxHeaderBytes = 100_000_000;

const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(z.number().int().nonnegative()),
  data_offsets: z.tuple([z.number().int().nonnegative(), z.number().int().nonnegative()]),
});
type Entry = z.infer<typeof entrySchema>;
const headerSchema = z
  .object({ __metadata__: z.record(z.string(), z.string()).optional() })
  .catchall(entrySchema);

/**
 * Reads a whole file. F16 and BF16 are converted to float32.
 * @throws WeightsError naming the file, the tensor and what is wrong with it.
 */
export function readSafetensors(file: string): SafetensorsFile {
  const source = new WeightsSource(file);
  try {
    const headerBytes = Number(new DataView(source.read(0, 8).buffer).getBigUint64(0, true));
    if (headerBytes > maxHeaderBytes || headerBytes > source.sizeBytes - 8) {
      throw new WeightsError(
        `${file}: not a safetensors file; got a header of ${headerBytes} bytes in a file of ${source.sizeBytes}`,
      );
    }
    const { __metadata__: metadata = {}, ...entries } = parseHeader(file, source.read(8, headerBytes));
    const dataStart = 8 + headerBytes;
    let bytesLeft = source.sizeBytes - dataStart;
    const tensors = new Map<string, Tensor>();
    const stored = new Map<string, StoredType>();
    for (const [name, entry] of Object.entries(entries as Record<string, Entry>)) {
      const where = `${file}: tensor "${name}"`;
      const { dtype: type, shape } = entry;
      if (!isStoredType(type)) {
        throw new WeightsError(
          `${where}: type must be one of ${storedTypes.join(", ")}; got ${type}; save the model in float32, float16 or bfloat16`,
        );
      }
      const [start, end] = entry.data_offsets;
      const expected = shape.reduce((product, dim) => product * dim, storedSizeBytes(type));
      if (end - start !== expected || dataStart + end > source.sizeBytes) {
        throw new WeightsError(
          `${where}: [${shape.join(", ")}] of ${type} needs ${expected} bytes inside the file; got ${start} to ${end} of ${source.sizeBytes - dataStart}; the file may be cut short`,
        );
      }
      bytesLeft -= expected;
      if (bytesLeft < 0) {
        throw new WeightsError(`${where}: shares its bytes with another tensor, which the format forbids`);
      }
      tensors.set(name, {
        shape,
        ...readElements(type, source.read(dataStart + start, expected)),
      } as Tensor);
      stored.set(name, type);
    }
    return { tensors, storedTypes: stored, metadata };
  } finally {
    source.close();
  }
}

/**
 * Writes a file whole or not at all; equal tensors and metadata give equal bytes.
 * @throws EnvironmentError when the disk is full or not writable.
 */
export function writeSafetensors(
  file: string,
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): WrittenFile {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const [name, { dtype, shape, data }] of tensors) {
    header[name] = { dtype: storedTypeOf[dtype], shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const json = JSON.stringify(header);
  const text = json + " ".repeat((8 - (Buffer.byteLength(json) % 8)) % 8); // data starts at a multiple of 8
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(text)));
  const bytesOf = ({ data }: Tensor) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const hash = createHash("sha256");
  function* parts(): Generator<Uint8Array> {
    for (const part of [length, Buffer.from(text), ...[...tensors.values()].map(bytesOf)]) {
      hash.update(part);
      yield part;
    }
  }
  writeWholeSync(file, parts());
  return { sizeBytes: length.length + Buffer.byteLength(text) + offset, sha256: hash.digest("hex") };
}

/** The same tensors, all of float32. @param where for the error. @throws WeightsError naming one of another type. */
export function requireFloat32(
  tensors: ReadonlyMap<string, Tensor>,
  where: string,
): ReadonlyMap<string, Tensor<"float32">> {
  for (const [name, { dtype }] of tensors) {
    if (dtype !== "float32")
      throw new WeightsError(`${where}: tensor "${name}" must be float32; got ${dtype}`);
  }
  return tensors as ReadonlyMap<string, Tensor<"float32">>;
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
