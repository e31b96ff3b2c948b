/** Adam as part of the training graph. */
import { ShapeError } from "../errors.js";
import type { ParameterUpdate } from "../graph/parameter-update.js";
import { Input, Parameter, type Value } from "../graph/value.js";
import { add, divide, multiply, subtract } from "../ops/arithmetic.js";
import { sqrt, square } from "../ops/elementwise.js";
import { elementCount } from "../tensor/shape.js";
import { float32, type Tensor } from "../tensor/tensor.js";

/** Parameters that share a learning rate. */
export interface ParameterGroup {
  readonly name: string;
  /** By name; the names are those of the moments too. */
  readonly parameters: ReadonlyMap<string, Parameter>;
}

export interface AdamOptions {
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  /** Added to the gradient as weightDecay · parameter (L2), as torch.optim.Adam does. */
  readonly weightDecay?: number;
}

const defaults = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 } as const;

/**
 * torch.optim.Adam:
 *
 *   g ← c · gradient + weightDecay · p                      c: the clipping factor, if any
 *   m ← β1 · m + (1 - β1) · g,   v ← β2 · v + (1 - β2) · g²
 *   p ← p - rate · m̂ / (sqrt(v̂) + ε),   m̂ = m / (1 - β1ᵗ), v̂ = v / (1 - β2ᵗ)
 *
 * The moments are kept as M = m / (1 - β1) and V = v / (1 - β2), which saves two passes over every parameter:
 * with k = sqrt((1 - β2) / (1 - β2ᵗ)) the step is rate · (1 - β1) / ((1 - β1ᵗ) · k) · M / (sqrt(V) + ε / k), and both
 * scalars are computed by `feeds` and fed.
 */
export class Adam {
  readonly #options: Required<AdamOptions>;
  readonly #groups: readonly { readonly group: ParameterGroup; readonly rate: Input }[];
  readonly #epsilon = new Input("adam.epsilon", "float32", []);
  readonly #moments = new Map<string, Parameter>();

  /** Moments start at 0. */
  constructor(groups: readonly ParameterGroup[], options: AdamOptions = {}) {
    this.#options = { ...defaults, ...options };
    this.#groups = groups.map((group) => ({
      group,
      rate: new Input(`adam.rate.${group.name}`, "float32", []),
    }));
    for (const [name, parameter] of groups.flatMap(({ parameters }) => [...parameters])) {
      for (const moment of ["first", "second"]) {
        const zeros = new Float32Array(elementCount(parameter.shape));
        this.#moments.set(`${name}.${moment}`, new Parameter(parameter.shape, zeros, { isTrainable: false }));
      }
    }
  }

  /** M and V of every parameter, as `NAME.first` and `NAME.second`: with the step count, the whole state. */
  get moments(): ReadonlyMap<string, Parameter> {
    return this.#moments;
  }

  /** The parameters to ask gradients for, in the order of groups. */
  get parameters(): Parameter[] {
    return this.#groups.flatMap(({ group }) => [...group.parameters.values()]);
  }

  /**
   * Next values of parameters and moments.
   * @param gradients of `parameters`, in their order.
   * @param clipFactor [] multiplied to every gradient.
   * @throws ShapeError when there is not one gradient for each parameter.
   */
  updates(gradients: readonly Value[], clipFactor?: Value): ParameterUpdate[] {
    const { beta1, beta2, weightDecay } = this.#options;
    if (gradients.length !== this.parameters.length) {
      throw new ShapeError(
        "Adam.updates",
        `wants one gradient for each of ${this.parameters.length} parameters`,
        {
          gradients: gradients.length,
        },
      );
    }
    const remaining = gradients.values();
    return this.#groups.flatMap(({ group, rate }) =>
      [...group.parameters].flatMap(([name, parameter]) => {
        const gradient = remaining.next().value as Value;
        const first = this.#moment(name, "first");
        const second = this.#moment(name, "second");
        const clipped = clipFactor ? multiply(gradient, clipFactor) : gradient;
        const g = weightDecay === 0 ? clipped : add(clipped, multiply(parameter, weightDecay));
        const m = add(multiply(first, beta1), g);
        const v = add(multiply(second, beta2), square(g));
        const step = multiply(divide(m, add(sqrt(v), this.#epsilon)), rate);
        return [
          { parameter, next: subtract(parameter, step) },
          { parameter: first, next: m },
          { parameter: second, next: v },
        ];
      }),
    );
  }

  /**
   * What to feed for step `step` (1 for the first).
   * @param rates learning rate by group name.
   * @throws ShapeError for a group without a rate.
   */
  feeds(step: number, rates: Readonly<Record<string, number>>): Record<string, Tensor> {
    const { beta1, beta2, epsilon } = this.#options;
    const k = Math.sqrt((1 - beta2) / (1 - beta2 ** step));
    const perRate = (1 - beta1) / ((1 - beta1 ** step) * k);
    const feeds: Record<string, Tensor> = { [this.#epsilon.name]: float32([], [epsilon / k]) };
    for (const { group, rate } of this.#groups) {
      const value = rates[group.name];
      if (value === undefined)
        throw new ShapeError("Adam.feeds", `no learning rate for group "${group.name}"`, {
          rates: Object.keys(rates).join(", "),
        });
      feeds[rate.name] = float32([], [value * perRate]);
    }
    return feeds;
  }

  #moment(name: string, which: "first" | "second"): Parameter {
    const moment = this.#moments.get(`${name}.${which}`);
    if (!moment) throw new ShapeError("Adam", `no moments for ${name}`);
    return moment;
  }
}
