/** A composition of ops with a gradient rule of its own, where the engine's would do more work. */
import { applyOp, type GradientContext, type Named } from "../graph/op.js";
import type { Value } from "../graph/value.js";

/** Gradient rules over the inputs by name; they may use any value of the forward pass they close over. */
export type CustomRules<Input extends string> = Named<Input, (dy: Value) => Value>;

/**
 * `result`, whose gradient is given by `rules` instead of being derived from how it was composed.
 * `result` must be computed from `inputs`; nothing is added to the graph.
 */
export function customGradient<Input extends string>(
  name: string,
  result: Value,
  inputs: Named<Input, Value>,
  rules: CustomRules<Input>,
): Value {
  type Names = Input | "result";
  const names = Object.keys(inputs) as Input[];
  const gradient = Object.fromEntries(
    names.map((input) => [input, ({ dy }: GradientContext<Names, undefined>) => rules[input](dy)]),
  ) as Named<Input, (context: GradientContext<Names, undefined>) => Value>;
  return applyOp<Names, undefined>(
    {
      name,
      inputs: ["result", ...names],
      outputType: (types) => types.result,
      gradient: { ...gradient, result: "not differentiable" } as Named<Names, never>,
      onnx: (_graph, inputNames) => inputNames.result,
    },
    { ...inputs, result } as Named<Names, Value>,
    undefined,
  );
}
