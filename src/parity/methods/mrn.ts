/** Golden files of MRN: x, s [B, D] -> q [B, D]. */
import type { Mrn } from "../../models/baselines/mrn.js";
import { imageOf, methodCase } from "../method-case.js";
import { blockCount } from "./block-count.js";

export const mrnCase = methodCase<Mrn>({
  model: "mrn",
  fields: (comparison) => ({
    embedDim: comparison.dim("input/x", 1),
    blocks: blockCount(comparison, "blocks"),
    out: comparison.has("param/out.weight") ? "linear" : "none",
    dropout: 0,
  }),
  outputs: (model, inputs, pass) => ({
    q: model.compose(imageOf(inputs.value("x")), inputs.text(), pass).q,
  }),
});
