/** Reads tensors by name from any weights file: safetensors, or torch.save's in both of its formats. */

import type { Tensor } from "../engine/tensor/tensor.js";
import { WeightsError } from "../errors.js";
import { readSafetensors } from "../tensor-files/safetensors.js";
import type { StoredType } from "../tensor-files/stored-type.js";
import { WeightsSource } from "../tensor-files/weights-source.js";
import { openTorchLegacy } from "./torch-legacy.js";
import { TensorReference } from "./torch-tensor.js";
import { openTorchZip } from "./torch-zip.js";

export type WeightsFormat = "safetensors" | "torch zip" | "torch legacy";

/** A file's tensors; half precision is float32 here. */
export interface WeightsFile {
  readonly format: WeightsFormat;
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** What each tensor was stored as. */
  readonly storedTypes: ReadonlyMap<string, StoredType>;
}

/** Keys under which training programs put the state dict beside an optimizer's state. */
const wrappers = ["state_dict", "model"] as const;
const maxTensors = 100_000;

/**
 * Reads a whole file; nothing in it is executed. Of a checkpoint `{"state_dict": {...}, ...}` the state dict is taken,
 * and the prefix `module.` that torch's DataParallel adds to every name is taken off.
 * @throws WeightsError naming the file and what is wrong with it: damaged, of another format, or more than tensors.
 */
export async function readWeights(file: string): Promise<WeightsFile> {
  const source = new WeightsSource(file);
  try {
    const format = formatOf(source);
    if (format === "safetensors") return { format, ...withoutPrefix(readSafetensors(file)) };
    const { value, reader } = format === "torch zip" ? await openTorchZip(source) : openTorchLegacy(source);
    const references = stateDictOf(file, value);
    return {
      format,
      ...withoutPrefix({
        tensors: mapValues(references, (reference) => reader.read(reference)),
        storedTypes: mapValues(references, ({ storage }) => storage.type),
      }),
    };
  } finally {
    source.close();
  }
}

function formatOf(source: WeightsSource): WeightsFormat {
  const head = source.read(0, Math.min(source.sizeBytes, 512));
  const text = Buffer.from(head).toString("latin1");
  // First: the eight bytes before are a length, and may look like the start of any other format.
  if (text[8] === "{") return "safetensors";
  if (text.startsWith("PK\x03\x04")) return "torch zip";
  if (head[0] === 0x80) return "torch legacy";
  if (text.startsWith("ustar", 257)) {
    throw new WeightsError(
      `${source.file}: torch.save's format of 2016 (a tar) is not read; save it again with a newer torch`,
    );
  }
  throw new WeightsError(
    `${source.file}: must be a safetensors file or one of torch.save's (.pth, .pt); got ${source.sizeBytes} bytes that start with ${JSON.stringify(text.slice(0, 8))}; check the path`,
  );
}

/** @throws WeightsError that lists the first entries that are not tensors. */
function stateDictOf(file: string, value: unknown): ReadonlyMap<string, TensorReference> {
  const wrapper = value instanceof Map ? wrappers.find((name) => value.get(name) instanceof Map) : undefined;
  const dictionary: unknown = value instanceof Map && wrapper !== undefined ? value.get(wrapper) : value;
  if (!(dictionary instanceof Map)) {
    throw new WeightsError(
      `${file}: must hold a dictionary of tensors by name; got something else; save model.state_dict()`,
    );
  }
  if (dictionary.size > maxTensors)
    throw new WeightsError(`${file}: must hold at most ${maxTensors} tensors; got ${dictionary.size}`);
  const others: string[] = [];
  const references = new Map<string, TensorReference>();
  for (const [name, entry] of dictionary as ReadonlyMap<unknown, unknown>) {
    if (typeof name === "string" && entry instanceof TensorReference) references.set(name, entry);
    else others.push(typeof name === "string" ? name.slice(0, 100) : "a name that is not text");
  }
  if (others.length > 0) {
    throw new WeightsError(
      `${file}: must hold tensors only; got ${others.slice(0, 5).join(", ")}${others.length > 5 ? ` and ${others.length - 5} more` : ""}; save model.state_dict()`,
    );
  }
  return references;
}

function withoutPrefix<Content extends Pick<WeightsFile, "tensors" | "storedTypes">>({
  tensors,
  storedTypes,
}: Content): Pick<WeightsFile, "tensors" | "storedTypes"> {
  const prefix = "module.";
  if (tensors.size === 0 || ![...tensors.keys()].every((name) => name.startsWith(prefix)))
    return { tensors, storedTypes };
  const renamed = <Item>(items: ReadonlyMap<string, Item>) =>
    new Map([...items].map(([name, item]) => [name.slice(prefix.length), item]));
  return { tensors: renamed(tensors), storedTypes: renamed(storedTypes) };
}

function mapValues<From, To>(
  items: ReadonlyMap<string, From>,
  convert: (item: From) => To,
): ReadonlyMap<string, To> {
  return new Map([...items].map(([name, item]) => [name, convert(item)]));
}
