/** A golden file, and the account of which of its tensors were asked for. */

import { formatShape } from "../engine/tensor/shape.js";
import type { Tensor } from "../engine/tensor/tensor.js";
import { WeightsError } from "../errors.js";
import type { StateDict } from "../nn/module.js";
import type { SafetensorsFile } from "../tensor-files/safetensors.js";

/**
 * Reads go through this object, so that at the end every tensor has been used, or is named by `unaccounted`.
 * Keys are the file's: `input/x`, `param/fc1.weight`, `output/y`, `grad/x`.
 */
export class GoldenFile {
  readonly #where: string;
  readonly #tensors: ReadonlyMap<string, Tensor>;
  readonly #metadata: Readonly<Record<string, string>>;
  readonly #isUsed = new Set<string>();

  /** @param where the file's name, for messages. */
  constructor(where: string, { tensors, metadata }: SafetensorsFile) {
    this.#where = where;
    this.#tensors = tensors;
    this.#metadata = metadata;
  }

  has(key: string): boolean {
    return this.#tensors.has(key);
  }

  /** What follows `prefix` in the keys that begin with it, in the file's order. */
  namesAfter(prefix: string): string[] {
    return [...this.#tensors.keys()]
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length));
  }

  /** A tensor; looking at it does not use it. @throws WeightsError when it is not there. */
  peek(key: string): Tensor {
    const tensor = this.#tensors.get(key);
    if (!tensor) throw new WeightsError(`${this.#where}: there is no tensor "${key}"; is the file complete?`);
    return tensor;
  }

  /** Length of one axis. @throws WeightsError when there is no such tensor or axis. */
  dim(key: string, axis: number): number {
    const length = this.peek(key).shape.at(axis);
    if (length === undefined)
      throw new WeightsError(
        `${this.#where}: ${key} needs an axis ${axis}; got ${formatShape(this.peek(key).shape)}`,
      );
    return length;
  }

  /** A tensor that something is computed from; it counts as used. @throws WeightsError when it is not there. */
  use(key: string): Tensor {
    const tensor = this.peek(key);
    this.#isUsed.add(key);
    return tensor;
  }

  /** All parameters under their names, used. @throws WeightsError when one is not float32. */
  parameters(): StateDict {
    const named = this.namesAfter("param/").map((name) => {
      const tensor = this.use(`param/${name}`);
      if (tensor.dtype !== "float32")
        throw new WeightsError(`${this.#where}: param/${name} must be float32; got ${tensor.dtype}`);
      return [name, tensor as Tensor<"float32">] as const;
    });
    return new Map(named);
  }

  /** A field of the metadata. @throws WeightsError when it is not there. */
  text(field: string): string {
    const value = this.#metadata[field];
    if (value === undefined)
      throw new WeightsError(`${this.#where}: the metadata must state "${field}"; got ${this.#fields()}`);
    return value;
  }

  /** A field of the metadata, `fallback` where the file does not state it. */
  textOr<T>(field: string, fallback: T): string | T {
    return this.#metadata[field] ?? fallback;
  }

  /** A field of the metadata that is a number. @throws WeightsError when it is not one. */
  number(field: string): number {
    const value = Number(this.text(field));
    if (!Number.isFinite(value) || this.text(field).trim() === "")
      throw new WeightsError(
        `${this.#where}: "${field}" must be a number; got ${JSON.stringify(this.text(field))}`,
      );
    return value;
  }

  /** Keys that were neither used nor compared. */
  unaccounted(): string[] {
    return [...this.#tensors.keys()].filter((key) => !this.#isUsed.has(key));
  }

  #fields(): string {
    return Object.keys(this.#metadata).join(", ") || "no metadata";
  }
}
