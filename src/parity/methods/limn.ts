/** Golden files of LIMN (reconstruction): x, target [B, N, D], words [B, T, D], s [B, D] -> factors, match of both; the loss of these. */
import type { Value } from "../../engine/graph/value.js";
import { add, multiply } from "../../engine/ops/arithmetic.js";
import { not } from "../../engine/ops/comparison.js";
import { type Limn, limnLosses } from "../../models/methods/limn.js";
import { imageOf, methodCase } from "../method-case.js";
import { methodLossCase } from "../method-loss-case.js";
import { blockCount } from "./block-count.js";
import { blockFieldsOf } from "./whole-batch.js";

export const limnCase = methodCase<Limn>({
  model: "limn",
  fields: (comparison) => ({
    ...blockFieldsOf(comparison, "aggregate.0"),
    factors: comparison.dim("param/factors", 0),
    layers: blockCount(comparison, "aggregate"),
    matchLayers: blockCount(comparison, "match_layers"),
  }),
  outputs(model, inputs, pass) {
    const text = {
      words: inputs.value("words"),
      sentence: inputs.value("s"),
      mask: not(inputs.value("pad_mask")),
    };
    const query = model.compose(imageOf(inputs.value("x")), text, pass);
    const target = model.embedTarget(imageOf(inputs.value("target")), pass);
    return {
      "q.match": query.q,
      "q.factors": query.parts?.factors as Value,
      "t.match": target.embedding,
      "t.factors": target.parts?.factors as Value,
    };
  },
  parameterName: (name) =>
    name.replace(/(layers|aggregate)\.(\d+)\.(query|key|value|out)\./, "$1.$2.attention.$3."),
});

export const limnLossCase = methodLossCase((comparison, inputs) => {
  const side = (of: "q" | "t") => ({
    match: inputs.value(`${of}.match`),
    factors: inputs.value(`${of}.factors`),
  });
  const parts = limnLosses({ query: side("q"), target: side("t"), scale: inputs.value("scale") });
  const weighted = [
    multiply(parts.factor, comparison.number("factor_weight")),
    multiply(parts.orthogonal, comparison.number("orthogonal_weight")),
  ];
  return { ...parts, loss: weighted.reduce((total, part) => add(total, part), parts.match) };
});
