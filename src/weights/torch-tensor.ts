/** Tensors as torch pickles them: a storage's id, an offset, a shape and strides. */

import type { HostArrays } from "../engine/tensor/dtype.js";
import type { Tensor } from "../engine/tensor/tensor.js";
import { WeightsError } from "../errors.js";
import { type StoredType, storedSizeBytes, storedTypes } from "../tensor-files/stored-type.js";
import { Global, type PickleOptions, Tuple } from "./pickle.js";

/** What a file says of one storage; its bytes lie outside the pickle. */
export interface StorageReference {
  readonly type: StoredType;
  readonly key: string;
  /** Elements. */
  readonly length: number;
}

/** A tensor that is not read yet. */
export class TensorReference {
  constructor(
    readonly storage: StorageReference,
    /** First element in the storage. */
    readonly offset: number,
    readonly shape: readonly number[],
    /** Elements from one index to the next, by axis. */
    readonly strides: readonly number[],
  ) {}

  get length(): number {
    return this.shape.reduce((product, dim) => product * dim, 1);
  }
}

/** A part of a storage, as files before torch 0.4 have them. */
class StorageView {
  constructor(
    readonly storage: StorageReference,
    readonly offset: number,
    readonly length: number,
  ) {}
}

const storageTypes: Readonly<Record<string, StoredType>> = {
  FloatStorage: "F32",
  DoubleStorage: "F64",
  HalfStorage: "F16",
  BFloat16Storage: "BF16",
  LongStorage: "I64",
  IntStorage: "I32",
  ByteStorage: "U8",
  BoolStorage: "BOOL",
};

const maxRank = 16;

/** How to read a pickle of tensors: what it may name, and what it finds outside. */
export function torchPickle(where: string): PickleOptions & {
  /** Every storage that was referred to, by key. */
  readonly storages: ReadonlyMap<string, StorageReference>;
} {
  const fail = (reason: string): never => {
    throw new WeightsError(`${where}: ${reason}; the file is damaged or not of torch's`);
  };
  const storages = new Map<string, StorageReference>();
  const rebuildTensor = ([view, offset, shape, strides]: readonly unknown[]): TensorReference => {
    if (!(view instanceof StorageView)) return fail("a tensor without a storage");
    const [dims, steps] = [integers(shape), integers(strides)];
    if (!isCount(offset) || !dims || !steps || dims.length !== steps.length)
      return fail("a tensor's offset, shape or strides are not whole numbers");
    const reference = new TensorReference(view.storage, view.offset + offset, dims, steps);
    const last = dims.reduce((sum, dim, axis) => sum + (dim - 1) * (steps[axis] ?? 0), offset);
    if (reference.length > view.length || (reference.length > 0 && last >= view.length)) {
      return fail(
        `a tensor of [${dims.join(", ")}] does not lie in its storage; got offset ${offset}, strides [${steps.join(", ")}], ${view.length} elements`,
      );
    }
    return reference;
  };
  const rebuildParameter = ([data]: readonly unknown[]): TensorReference =>
    data instanceof TensorReference ? data : fail("a parameter without a tensor");
  const functions: Readonly<Record<string, (args: readonly unknown[]) => unknown>> = {
    "collections.OrderedDict": ([pairs]) => orderedDict(pairs) ?? fail("a dictionary of something else"),
    "torch._utils._rebuild_tensor": rebuildTensor, // before torch 0.4
    "torch._utils._rebuild_tensor_v2": rebuildTensor,
    "torch._utils._rebuild_parameter": rebuildParameter,
    "torch.nn.parameter.Parameter": rebuildParameter, // before torch 0.4
    "torch.Size": ([sizes]) => sizes,
  };
  return {
    where,
    storages,
    findGlobal(name) {
      if (Object.hasOwn(functions, name)) return new Global(name, functions[name]);
      return name.startsWith("torch.") && Object.hasOwn(storageTypes, name.slice("torch.".length))
        ? new Global(name, undefined)
        : undefined;
    },
    loadPersistent(id) {
      const [kind, type, key, , length, part] = id instanceof Tuple ? id.items : [];
      if (kind !== "storage" || !(type instanceof Global) || typeof key !== "string" || !isCount(length))
        return fail("something outside the pickle that is not a storage");
      const stored = storageTypes[type.name.slice("torch.".length)];
      if (!stored) return fail(`type must be one of ${storedTypes.join(", ")}; got ${type.name}`);
      const known = storages.get(key) ?? { type: stored, key, length };
      if (known.type !== stored || known.length !== length)
        return fail(`storage "${key}" has two types or lengths`);
      storages.set(key, known);
      if (!(part instanceof Tuple)) return new StorageView(known, 0, length);
      const [, offset, partLength] = part.items;
      if (!isCount(offset) || !isCount(partLength) || offset + partLength > length)
        return fail(`a part of storage "${key}" does not lie in it`);
      return new StorageView(known, offset, partLength);
    },
  };
}

/** Tensors from references; what it copies in all is bounded, whatever the references say. */
export class TensorReader {
  readonly #elements = new Map<string, Pick<Tensor, "dtype" | "data">>();
  readonly #load: (storage: StorageReference) => Pick<Tensor, "dtype" | "data">;
  readonly #where: string;
  #bytesLeft: number;

  /** @param copiedBytes bound on what tensors that do not lie in one piece take in all. */
  constructor(
    where: string,
    load: (storage: StorageReference) => Pick<Tensor, "dtype" | "data">,
    { copiedBytes }: { readonly copiedBytes: number },
  ) {
    this.#where = where;
    this.#load = load;
    this.#bytesLeft = copiedBytes;
  }

  /** Rows one after the other; tensors of one storage share its memory where they lie so in the file. */
  read(reference: TensorReference): Tensor {
    const { storage, offset, shape, strides, length } = reference;
    const elements = this.#elements.get(storage.key) ?? this.#load(storage);
    this.#elements.set(storage.key, elements);
    const { dtype } = elements;
    if (isContiguous(shape, strides))
      return { dtype, shape, data: elements.data.subarray(offset, offset + length) } as Tensor;
    this.#bytesLeft -= length * Math.max(4, storedSizeBytes(storage.type));
    if (this.#bytesLeft < 0) throw new WeightsError(`${this.#where}: its tensors take more than the file`);
    return { dtype, shape, data: gather(elements.data as Float32Array, reference) } as Tensor;
  }
}

function gather(
  source: Float32Array,
  { offset, shape, strides, length }: TensorReference,
): HostArrays["float32"] {
  const result = source.slice(0, length); // an array of the same kind
  const index = new Array<number>(shape.length).fill(0);
  let from = offset;
  for (let to = 0; to < length; to += 1) {
    result[to] = source[from] as number;
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      const [dim, stride, i] = [shape[axis] ?? 1, strides[axis] ?? 0, index[axis] ?? 0];
      if (i + 1 < dim) {
        index[axis] = i + 1;
        from += stride;
        break;
      }
      index[axis] = 0;
      from -= i * stride;
    }
  }
  return result;
}

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    const dim = shape[axis] ?? 1;
    if (dim === 0) return true;
    if (dim !== 1 && strides[axis] !== expected) return false;
    expected *= dim;
  }
  return true;
}

/** No pairs, or a list of them (Python 2). */
function orderedDict(pairs: unknown): Map<unknown, unknown> | undefined {
  if (pairs === undefined) return new Map();
  if (!Array.isArray(pairs)) return undefined;
  const result = new Map<unknown, unknown>();
  for (const pair of pairs) {
    const items: unknown = pair instanceof Tuple ? pair.items : pair;
    if (!Array.isArray(items) || items.length !== 2) return undefined;
    result.set(items[0], items[1]);
  }
  return result;
}

function integers(value: unknown): readonly number[] | undefined {
  const items: unknown = value instanceof Tuple ? value.items : value;
  if (!Array.isArray(items) || items.length > maxRank) return undefined;
  return items.every(isCount) ? items : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
