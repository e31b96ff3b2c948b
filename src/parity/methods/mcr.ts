/** Golden file of MCR (reconstruction): x, target [B, N, D], w [B, T, D], s [B, D] -> q, relative [B, D], the training loss. */
import type { Mcr } from "../../models/methods/mcr.js";
import { methodCase } from "../method-case.js";
import { blockCount } from "./block-count.js";
import { batchOf, blockFieldsOf, lossOf } from "./whole-batch.js";

export const mcrCase = methodCase<Mcr>({
  model: "mcr",
  fields: (comparison) => ({
    ...blockFieldsOf(comparison, "layers.0.image"),
    layers: blockCount(comparison, "layers"),
    consistencyWeight: comparison.number("consistencyWeight"),
  }),
  outputs(model, inputs, pass) {
    const { composition, reference, target } = batchOf(model, inputs, pass);
    return { q: composition.q, relative: model.relative(target.embedding, reference.embedding) };
  },
  trainingLoss: lossOf,
});
