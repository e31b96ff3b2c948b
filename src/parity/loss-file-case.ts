/** Golden files of a method's losses: inputs that the losses see, without parameters. */
import { gradients } from "../engine/autodiff/gradients.js";
import type { Value } from "../engine/graph/value.js";
import { WeightsError } from "../errors.js";
import type { GoldenComparison } from "./golden-comparison.js";
import { compareAll, GraphInputs } from "./module-case.js";

/** Compares outputs by the names that follow `output/`, `loss` among them, and the gradients of `loss` by all inputs. */
export function lossFileCase(
  build: (inputs: GraphInputs, comparison: GoldenComparison) => Readonly<Record<string, Value>>,
): (comparison: GoldenComparison) => Promise<void> {
  return async (comparison) => {
    const inputs = new GraphInputs(comparison, { hasSymbolicBatch: false });
    const outputs = build(inputs, comparison);
    const { loss } = outputs;
    if (!loss) throw new WeightsError("a file of losses needs output/loss; got none");
    const targets = [...inputs.differentiable()].filter(([name]) => comparison.has(`grad/${name}`));
    const values = gradients(
      loss,
      targets.map(([, input]) => input),
    );
    const named = Object.entries(outputs).map(([name, value]) => [`output/${name}`, value] as const);
    const derived = targets.map(([name], i) => [`grad/${name}`, values[i] ?? loss] as const);
    compareAll(comparison, await inputs.run(Object.fromEntries([...named, ...derived]), "fed"));
  };
}
