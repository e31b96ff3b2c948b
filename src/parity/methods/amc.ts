/** Golden files of AMC: its layers, and its losses. */
import { add } from "../../engine/ops/arithmetic.js";
import { mean } from "../../engine/ops/reduce.js";
import { type Amc, amcLosses } from "../../models/methods/amc.js";
import { imageOf, methodCase } from "../method-case.js";
import { methodLossCase } from "../method-loss-case.js";
import { blockCount } from "./block-count.js";

/** x [B, N, D], s [B, D] -> y.K [B, N, D], q.K [B, D], aux.gates.K [B, 3]; the last q.K is the query. */
export const amcCase = methodCase<Amc>({
  model: "amc",
  fields: (comparison) => ({
    embedDim: comparison.dim("input/x", 2),
    layers: blockCount(comparison, "layers"),
    heads: comparison.number("heads"),
    routerWidth: comparison.dim("param/layers.0.router.fc1.weight", 0),
    ffnWidth: comparison.dim("param/layers.0.attention.ffn1.weight", 0),
  }),
  outputs(model, inputs, pass) {
    const text = inputs.text();
    const { maps, gates } = model.fuse(inputs.value("x"), text.sentence, pass);
    const named = maps.flatMap((map, k) => [
      [`y.${k}`, map],
      [`q.${k}`, mean(map, { axes: [1] })],
      [`aux.gates.${k}`, gates[k] ?? map],
    ]);
    const { q } = model.compose(imageOf(inputs.value("x")), text, pass);
    return { ...Object.fromEntries(named), [`q.${maps.length - 1}`]: q };
  },
});

/** q.K, t [B, D] -> class, sim_mse, loss. */
export const amcLossCase = methodLossCase((comparison, inputs) => {
  const queries = comparison.namesAfter("input/q.").map((_, k) => inputs.value(`q.${k}`));
  const { classification, gram } = amcLosses(queries, inputs.value("t"), comparison.number("scale"));
  return { class: classification, sim_mse: gram, loss: add(classification, gram) };
});
