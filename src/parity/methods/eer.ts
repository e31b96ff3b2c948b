/** Golden file of EER (reconstruction): x, target [B, N, D], w [B, T, D], s [B, D] -> q, erased, added [B, D], the training loss. */
import type { Eer } from "../../models/methods/eer.js";
import { methodCase } from "../method-case.js";
import { lossOf } from "./whole-batch.js";

export const eerCase = methodCase<Eer>({
  model: "eer",
  fields: (comparison) => ({
    embedDim: comparison.dim("input/x", 2),
    semantics: comparison.dim("param/mix.bias", 0),
    alignmentWeight: comparison.number("alignmentWeight"),
  }),
  outputs(model, inputs) {
    const { keep, ...vectors } = model.steps(inputs.value("x"), inputs.text());
    return { ...vectors, "aux.keep": keep };
  },
  trainingLoss: lossOf,
});
