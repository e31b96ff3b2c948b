/** Adam as part of the training graph. */

import type { ParameterUpdate } from "../../engine/graph/parameter-update.js";
import { Input, Parameter, type Value } from "../../engine/graph/value.js";
import { add, divide, multiply, subtract } from "../../engine/ops/arithmetic.js";
import { sqrt, square } from "../../engine/ops/elementwise.js";
import { concat, reshape, slice } from "../../engine/ops/shape.js";
import { elementCount } from "../../engine/tensor/shape.js";
import { float32, type Tensor } from "../../engine/tensor/tensor.js";
import { ShapeError } from "../../errors.js";

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

/**
 * Parameters of up to this many elements are updated as one vector per group: a model has hundreds of biases and small
 * matrices, and a dozen nodes for each cost more than the arithmetic.
 */
const packedElements = 65_536;

/** What shares one chain of update nodes: one large parameter, or the small ones of a group. */
interface Pack {
  /** Name of its moments. */
  readonly name: string;
  readonly parameters: readonly Parameter[];
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
  readonly #groups: readonly {
    readonly group: ParameterGroup;
    readonly packs: readonly Pack[];
    readonly rate: Input;
  }[];
  readonly #epsilon = new Input("adam.epsilon", "float32", []);
  readonly #moments = new Map<string, Parameter>();

  /** Moments start at 0. */
  constructor(groups: readonly ParameterGroup[], options: AdamOptions = {}) {
    this.#options = { ...defaults, ...options };
    this.#groups = groups.map((group) => ({
      group,
      packs: packsOf(group),
      rate: new Input(`adam.rate.${group.name}`, "float32", []),
    }));
    for (const { name, parameters } of this.#groups.flatMap(({ packs }) => packs)) {
      const shape = packedShape(parameters);
      for (const moment of ["first", "second"]) {
        const zeros = new Float32Array(elementCount(shape));
        this.#moments.set(`${name}.${moment}`, new Parameter(shape, zeros, { isTrainable: false }));
      }
    }
  }

  /**
   * M and V of every large parameter, as `NAME.first` and `NAME.second`, and of each group's small ones joined in their
   * order, as `GROUP.packed.first` and `.second`: with the step count, the whole state.
   */
  get moments(): ReadonlyMap<string, Parameter> {
    return this.#moments;
  }

  /** The parameters to ask gradients for. */
  get parameters(): Parameter[] {
    return this.#groups.flatMap(({ packs }) => packs.flatMap(({ parameters }) => parameters));
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
    return this.#groups.flatMap(({ packs, rate }) =>
      packs.flatMap(({ name, parameters }) => {
        const first = this.#moment(name, "first");
        const second = this.#moment(name, "second");
        const current = joined(parameters);
        const gradient = joined(parameters.map(() => remaining.next().value as Value));
        const clipped = clipFactor ? multiply(gradient, clipFactor) : gradient;
        const g = weightDecay === 0 ? clipped : add(clipped, multiply(current, weightDecay));
        const m = add(multiply(first, beta1), g);
        const v = add(multiply(second, beta2), square(g));
        const step = multiply(divide(m, add(sqrt(v), this.#epsilon)), rate);
        return [
          ...separated(subtract(current, step), parameters),
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

/** Large parameters one by one, in the group's order, then the small ones together. */
function packsOf({ name: group, parameters }: ParameterGroup): Pack[] {
  const isSmall = ({ shape }: Parameter) => elementCount(shape) <= packedElements;
  const large = [...parameters].filter(([, parameter]) => !isSmall(parameter));
  const small = [...parameters.values()].filter(isSmall);
  const single = large.map(([name, parameter]) => ({ name, parameters: [parameter] }));
  return small.length > 0 ? [...single, { name: `${group}.packed`, parameters: small }] : single;
}

function packedShape(parameters: readonly Parameter[]): readonly number[] {
  const [only] = parameters;
  if (only && parameters.length === 1) return only.shape;
  return [parameters.reduce((count, { shape }) => count + elementCount(shape), 0)];
}

/** One value as it is, several as one vector. */
function joined(values: readonly Value[]): Value {
  const [only] = values;
  if (only && values.length === 1) return only;
  return concat(
    values.map((value) => reshape(value, [elementCount(value.shape)])),
    { axis: 0 },
  );
}

/** The transpose of `joined`: each parameter's part of `next`, in its shape. */
function separated(next: Value, parameters: readonly Parameter[]): ParameterUpdate[] {
  const [only] = parameters;
  if (only && parameters.length === 1) return [{ parameter: only, next }];
  let start = 0;
  return parameters.map((parameter) => {
    const end = start + elementCount(parameter.shape);
    const part = slice(next, { axis: 0, start, end });
    start = end;
    return { parameter, next: reshape(part, parameter.shape) };
  });
}
