/** Adam inside the training graph. */
import { GraphError } from "../errors.js";
import type { ParameterUpdate } from "../graph/parameter-update.js";
import { Input, Parameter, type Value } from "../graph/value.js";
import { add, divide, multiply, subtract } from "../ops/arithmetic.js";
import { sqrt, square } from "../ops/elementwise.js";
import { elementCount } from "../tensor/shape.js";
import { float32, type Tensor } from "../tensor/tensor.js";

/** Parameters that share a learning rate, by their names in the model. */
export interface ParameterGroup {
  /** Name of the group's rate: "backbone", "words", "rest". */
  readonly name: string;
  readonly parameters: ReadonlyMap<string, Parameter>;
}

export interface AdamOptions {
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  /** L2 term added to the gradient of every parameter, as torch.optim.Adam does (not AdamW). */
  readonly weightDecay?: number;
}

/**
 * torch.optim.Adam, with m and v as parameters of the graph:
 *
 *   g ← g + weightDecay · p
 *   m ← m + (1 - β1) (g - m),   v ← v + (1 - β2) (g² - v)
 *   p ← p - rate / (1 - β1^t) · m / (sqrt(v) / sqrt(1 - β2^t) + epsilon)
 *
 * Source: Kingma and Ba 2015; the order of operations is PyTorch's.
 */
export class Adam {
  readonly #groups: readonly ParameterGroup[];
  readonly #options: Required<AdamOptions>;
  readonly #rates: ReadonlyMap<string, Input>;
  readonly #deviationScale = new Input("adam.deviationScale", "float32", []);
  /** First and second moments by `m.<parameter>` and `v.<parameter>`: the optimizer's state. */
  readonly moments: ReadonlyMap<string, Parameter>;

  constructor(groups: readonly ParameterGroup[], options: AdamOptions = {}) {
    this.#groups = groups;
    this.#options = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, ...options };
    this.#rates = new Map(groups.map(({ name }) => [name, new Input(`adam.rate.${name}`, "float32", [])]));
    const moments = new Map<string, Parameter>();
    for (const { parameters } of groups) {
      for (const [name, { shape }] of parameters) {
        for (const moment of ["m", "v"]) {
          const data = new Float32Array(elementCount(shape));
          moments.set(`${moment}.${name}`, new Parameter(shape, data, { isTrainable: false }));
        }
      }
    }
    this.moments = moments;
  }

  /**
   * Next values of all parameters and moments.
   * @param gradients d(loss)/d(parameter), for every parameter of every group.
   */
  updates(gradients: ReadonlyMap<Parameter, Value>): ParameterUpdate[] {
    const { beta1, beta2, epsilon, weightDecay } = this.#options;
    return this.#groups.flatMap(({ name: group, parameters }) =>
      [...parameters].flatMap(([name, parameter]) => {
        const gradient = gradients.get(parameter);
        const m = this.moments.get(`m.${name}`);
        const v = this.moments.get(`v.${name}`);
        const rate = this.#rates.get(group);
        if (!gradient || !m || !v || !rate) throw new GraphError(`Adam: no gradient for parameter ${name}`);
        const g = weightDecay === 0 ? gradient : add(gradient, multiply(parameter, weightDecay));
        const nextM = add(m, multiply(subtract(g, m), 1 - beta1));
        const nextV = add(v, multiply(subtract(square(g), v), 1 - beta2));
        const deviation = add(multiply(sqrt(nextV), this.#deviationScale), epsilon);
        const next = subtract(parameter, multiply(divide(nextM, deviation), rate));
        return [
          { parameter, next },
          { parameter: m, next: nextM },
          { parameter: v, next: nextV },
        ];
      }),
    );
  }

  /** What a run needs: the rates of all groups at step `step`, which counts from 1. */
  feeds(step: number, rates: Readonly<Record<string, number>>): Record<string, Tensor> {
    const { beta1, beta2 } = this.#options;
    const feeds: Record<string, Tensor> = {
      "adam.deviationScale": float32([], [1 / Math.sqrt(1 - beta2 ** step)]),
    };
    for (const { name } of this.#groups) {
      const rate = rates[name];
      if (rate === undefined) throw new GraphError(`Adam: no rate for group ${name}`);
      feeds[`adam.rate.${name}`] = float32([], [rate / (1 - beta1 ** step)]);
    }
    return feeds;
  }
}
