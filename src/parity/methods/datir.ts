/** Golden file of DATIR (reconstruction): x, target [B, N, D], s [B, D] -> q, difference [B, D], two losses, the training loss. */
import type { Datir } from "../../models/methods/datir.js";
import { methodCase } from "../method-case.js";
import { batchOf, blockFieldsOf, lossOf } from "./whole-batch.js";

export const datirCase = methodCase<Datir>({
  model: "datir",
  fields: (comparison) => ({
    ...blockFieldsOf(comparison, "difference"),
    attentionWeight: comparison.number("attentionWeight"),
    hierarchyWeight: comparison.number("hierarchyWeight"),
  }),
  outputs(model, inputs, pass) {
    const { composition, reference, target, text } = batchOf(model, inputs, pass);
    const { q } = composition;
    const difference = model.differenceOf(reference, target, pass);
    // Losses are of a batch of known size.
    if (typeof q.shape[0] !== "number") return { q, difference };
    return {
      q,
      difference,
      attention_loss: model.attentionLoss(text.sentence, difference),
      hierarchy_loss: model.hierarchyLoss(q, target),
    };
  },
  trainingLoss: lossOf,
});
