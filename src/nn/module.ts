/** Modules: objects whose fields are parameters, buffers and child modules. */

import { Parameter } from "../engine/graph/value.js";
import { formatShape, type StaticShape, sameShape } from "../engine/tensor/shape.js";
import type { Tensor } from "../engine/tensor/tensor.js";
import { StateDictError } from "../errors.js";

/** Parameter values by name. */
export type StateDict = ReadonlyMap<string, Tensor<"float32">>;

/** torchvision's counter of training batches: part of public weights, and of no use here. */
const counterName = /(^|\.)num_batches_tracked$/;

/**
 * Base of layers and models. The path of fields to a parameter is its name: the field `weight` of the field
 * `conv1` of element 0 of the array field `layer1` is `layer1.0.conv1.weight`. `#private` fields are not walked.
 * @example
 * import { Linear, Module, Random } from "sdfn/models";
 * class Network extends Module {
 *   hidden = new Linear(3, 5, new Random(1));
 * }
 * console.log([...new Network().state().keys()]); // [ 'hidden.weight', 'hidden.bias' ]
 */
export abstract class Module {
  /** Every parameter and buffer by name, in the order of fields; one that is reached twice has its first name. */
  state(): Map<string, Parameter> {
    const found = new Map<string, Parameter>();
    const isSeen = new Set<unknown>();
    const walk = (value: unknown, name: string): void => {
      if (typeof value !== "object" || value === null || isSeen.has(value)) return;
      if (value instanceof Parameter) {
        isSeen.add(value);
        found.set(name, value);
      } else if (value instanceof Module || Array.isArray(value) || isRecord(value)) {
        isSeen.add(value);
        const prefix = name === "" ? "" : `${name}.`;
        for (const [field, child] of Object.entries(value)) walk(child, prefix + field);
      }
    };
    walk(this, "");
    return found;
  }

  /** What gradients change, by name. */
  namedParameters(): Map<string, Parameter> {
    return new Map([...this.state()].filter(([, { isTrainable }]) => isTrainable));
  }

  /** What gradients change. */
  parameters(): Parameter[] {
    return [...this.namedParameters().values()];
  }

  /** Puts every parameter into one group of the optimizer. */
  setRateGroup(name: string): void {
    for (const parameter of this.parameters()) parameter.rateGroup = name;
  }

  /** Every value as it is now, by name; not copied. */
  tensors(): Map<string, Tensor<"float32">> {
    return new Map(
      [...this.state()].map(([name, { shape, data }]) => [name, { dtype: "float32", shape, data }]),
    );
  }

  /** A copy of every value. */
  stateDict(): Map<string, Tensor<"float32">> {
    return new Map(
      [...this.tensors()].map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() }]),
    );
  }

  /**
   * Takes over the values of `stateDict` (copied). Names must be the module's, all of them and no others, except
   * `num_batches_tracked`, which is passed over.
   * @throws StateDictError that lists every difference; nothing has changed then.
   */
  loadStateDict(stateDict: StateDict): void {
    const problems = this.differencesFrom(stateDict);
    if (problems.length > 0) {
      throw new StateDictError(
        `state dict does not match the module:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`,
      );
    }
    for (const [name, parameter] of this.state()) {
      const given = stateDict.get(name);
      if (given) parameter.data = given.data.slice();
    }
  }

  /** Every name and shape in which `stateDict` is not the module's, in words; none when it can be loaded. */
  differencesFrom(stateDict: ReadonlyMap<string, { readonly shape: StaticShape }>): string[] {
    return differences(this.state(), stateDict);
  }
}

/** Modules by name: `{ layer3: new Linear(...) }`. */
function isRecord(value: object): boolean {
  return Object.getPrototypeOf(value) === Object.prototype;
}

function differences(
  own: ReadonlyMap<string, Parameter>,
  given: ReadonlyMap<string, { readonly shape: StaticShape }>,
): string[] {
  const missing = [...own.keys()].filter((name) => !given.has(name)).map((name) => `missing ${name}`);
  const unexpected = [...given.keys()]
    .filter((name) => !own.has(name) && !counterName.test(name))
    .map((name) => `unexpected ${name}`);
  const misshapen = [...own].flatMap(([name, { shape }]) => {
    const other = given.get(name);
    return other && !sameShape(shape, other.shape)
      ? [`${name} has shape ${formatShape(other.shape)}, expected ${formatShape(shape)}`]
      : [];
  });
  return [...missing, ...unexpected, ...misshapen];
}
