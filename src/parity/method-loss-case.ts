/** Golden files of a method's losses alone: vectors or scores in, every part of the loss and its sum out. */
import { gradients } from "../engine/autodiff/gradients.js";
import type { Value } from "../engine/graph/value.js";
import { WeightsError } from "../errors.js";
import type { GoldenComparison } from "./golden-comparison.js";
import { compareAll, GraphInputs } from "./module-case.js";

/**
 * The case of a loss file.
 * @param losses what follows `output/` in the file, from its inputs, by the functions that the model's own losses call. Each
 *   `loss`, or `NAME/loss`, is differentiated: `grad/`, or `grad/NAME/`, of every input that the file has one of.
 */
export function methodLossCase(
  losses: (comparison: GoldenComparison, inputs: GraphInputs) => Record<string, Value>,
): (comparison: GoldenComparison) => Promise<void> {
  return async (comparison) => {
    const inputs = new GraphInputs(comparison, { hasSymbolicBatch: false });
    const values = losses(comparison, inputs);
    const sums = Object.entries(values).filter(([name]) => /(^|\/)loss$/.test(name));
    if (sums.length === 0) throw new WeightsError("the case gives no loss: nothing to differentiate");
    const outputs: Record<string, Value> = {};
    for (const [name, value] of Object.entries(values)) outputs[`output/${name}`] = value;
    for (const [name, loss] of sums) {
      const prefix = name.slice(0, -"loss".length);
      const targets = comparison
        .namesAfter(`grad/${prefix}`)
        .filter((target) => prefix !== "" || !target.includes("/"));
      const values = gradients(
        loss,
        targets.map((target) => inputs.value(target)),
      );
      for (const [i, target] of targets.entries()) outputs[`grad/${prefix}${target}`] = values[i] ?? loss;
    }
    compareAll(comparison, await inputs.run(outputs, "fed"));
  };
}
