/** Golden file of FashionVLP (reconstruction): x, target [B, N, D], w [B, T, D] -> q, t [B, D], the training loss. */
import type { FashionVlp } from "../../models/methods/fashionvlp.js";
import { methodCase } from "../method-case.js";
import { blockCount } from "./block-count.js";
import { batchOf, blockFieldsOf, lossOf } from "./whole-batch.js";

export const fashionVlpCase = methodCase<FashionVlp>({
  model: "fashionvlp",
  fields: (comparison) => ({
    ...blockFieldsOf(comparison, "layers.0"),
    layers: blockCount(comparison, "layers"),
    parts: comparison.dim("param/parts", 0),
  }),
  outputs(model, inputs, pass) {
    const { composition, targetEmbedding } = batchOf(model, inputs, pass);
    return { q: composition.q, t: targetEmbedding.embedding };
  },
  trainingLoss: lossOf,
});
