/** An exponential moving average of a model's parameters and running statistics. */

import type { Parameter } from "../engine/graph/value.js";
import type { Tensor } from "../engine/tensor/tensor.js";
import { WeightsError } from "../errors.js";
import type { Module } from "../nn/module.js";

/**
 * After step t, average = k · average + (1 - k) · value with k = min(decay, (1 + t) / (10 + t)), as TensorFlow's
 * ExponentialMovingAverage: the first steps count for less. On host buffers: one of parameter size, where the training
 * graph would need two (a stateful graph reads one and writes another); docs/performance.md has what a step of it costs.
 */
export class WeightAverage {
  readonly #parameters: ReadonlyMap<string, Parameter>;
  readonly #decay: number;
  readonly #averages: Map<string, Float32Array>;

  /** Starts from the model's values of now. */
  constructor(model: Module, decay: number) {
    this.#parameters = model.state();
    this.#decay = decay;
    this.#averages = new Map([...this.#parameters].map(([name, { data }]) => [name, data.slice()]));
  }

  /** Takes in the model's values after step `step`, from 1. */
  update(step: number): void {
    const rest = 1 - Math.min(this.#decay, (1 + step) / (10 + step));
    for (const [name, { data }] of this.#parameters) {
      const average = this.#averages.get(name);
      if (!average) continue;
      for (let i = 0; i < average.length; i += 1) {
        const a = average[i] as number;
        average[i] = a + rest * ((data[i] as number) - a);
      }
    }
  }

  /** The averages by name; not copied. */
  tensors(): Map<string, Tensor<"float32">> {
    return new Map(
      [...this.#parameters].map(([name, { shape }]) => [
        name,
        { dtype: "float32", shape, data: this.#averages.get(name) ?? new Float32Array() },
      ]),
    );
  }

  /** Continues from saved averages. @throws WeightsError when one is missing or of another length. */
  restore(tensors: ReadonlyMap<string, Tensor>): void {
    for (const [name, average] of this.#averages) {
      const saved = tensors.get(name);
      if (saved?.dtype !== "float32" || saved.data.length !== average.length) {
        throw new WeightsError(`weight average: "${name}" must be ${average.length} float32 numbers`);
      }
      average.set(saved.data as Float32Array);
    }
  }

  /** Does something while the model has the averages as its values. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#exchange();
    try {
      return await work();
    } finally {
      this.#exchange();
    }
  }

  #exchange(): void {
    for (const [name, parameter] of this.#parameters) {
      const average = this.#averages.get(name);
      if (!average) continue;
      this.#averages.set(name, parameter.data);
      parameter.data = average;
    }
  }
}
