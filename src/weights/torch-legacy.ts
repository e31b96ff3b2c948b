/**
 * torch.save's format before torch 1.6, which torchvision's older files have: five pickles (a magic number, a version,
 * sizes of C types, the value, the storages' keys), then the storages, each an int64 length and its elements.
 * Source: `_legacy_save` in torch/serialization.py.
 */
import { WeightsError } from "../errors.js";
import { readElements, storedSizeBytes } from "../tensor-files/stored-type.js";
import type { WeightsSource } from "../tensor-files/weights-source.js";
import { readPickle } from "./pickle.js";
import { TensorReader, torchPickle } from "./torch-tensor.js";

const magicNumber = 0x1950a86a20f9469cfc6cn;
const protocolVersion = 1001;
/** The pickles stand in the file's first part; a ResNet-101's take 0.1 MB. */
const maxPickleBytes = 32 * 2 ** 20;
const lengthBytes = 8;

/**
 * The value that was saved, tensors as references, and what reads those.
 * @throws WeightsError for a file that is damaged or not torch's.
 */
export function openTorchLegacy(source: WeightsSource): {
  readonly value: unknown;
  readonly reader: TensorReader;
} {
  const { file, sizeBytes } = source;
  const head = source.read(0, Math.min(sizeBytes, maxPickleBytes));
  const plain = { where: file, findGlobal: () => undefined };
  const pickle = torchPickle(file);
  let end = 0;
  const next = (options: Parameters<typeof readPickle>[2]): unknown => {
    const read = readPickle(head, end, options);
    end = read.end;
    return read.value;
  };
  if (next(plain) !== magicNumber) {
    throw new WeightsError(
      `${file}: a pickle, but not one of torch.save's: its magic number is missing; save it again with torch`,
    );
  }
  const version = next(plain);
  if (version !== protocolVersion)
    throw new WeightsError(
      `${file}: format must be ${protocolVersion}; got ${typeof version === "number" ? version : "no number"}`,
    );
  const system = next(plain);
  if (!(system instanceof Map) || system.get("little_endian") !== true)
    throw new WeightsError(`${file}: must be of a little-endian machine; save it again on one`);
  const value = next(pickle);
  const keys = next(plain);
  const places = placesOf(source, { keys, end, storages: pickle.storages });
  const reader = new TensorReader(
    file,
    ({ key, type, length }) => {
      const start = places.get(key);
      if (start === undefined) throw new WeightsError(`${file}: storage "${key}" is missing`);
      return readElements(type, source.read(start, length * storedSizeBytes(type)));
    },
    { copiedBytes: 4 * sizeBytes },
  );
  return { value, reader };
}

/** Where each storage's elements start. */
function placesOf(
  source: WeightsSource,
  {
    keys,
    end,
    storages,
  }: {
    readonly keys: unknown;
    readonly end: number;
    readonly storages: ReturnType<typeof torchPickle>["storages"];
  },
): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  let position = end;
  for (const key of Array.isArray(keys) ? (keys as readonly unknown[]) : []) {
    const storage = typeof key === "string" ? storages.get(key) : undefined;
    if (!storage || places.has(storage.key))
      throw new WeightsError(
        `${source.file}: a storage is of no tensor, or there twice; the file is damaged`,
      );
    const length = new DataView(source.read(position, lengthBytes).buffer).getBigInt64(0, true);
    if (length !== BigInt(storage.length)) {
      throw new WeightsError(
        `${source.file}: storage "${storage.key}" must have ${storage.length} elements; got ${length}; the file is damaged`,
      );
    }
    places.set(storage.key, position + lengthBytes);
    position += lengthBytes + storage.length * storedSizeBytes(storage.type);
  }
  return places;
}
