/** Golden file of TIRG: x, s [B, D] -> q [B, D]. */
import type { Tirg } from "../../models/baselines/tirg.js";
import { imageOf, methodCase } from "../method-case.js";

export const tirgCase = methodCase<Tirg>({
  model: "tirg",
  fields: (comparison) => ({ embedDim: comparison.number("D") }),
  outputs: (model, inputs, pass) => ({
    q: model.compose(imageOf(inputs.value("x")), inputs.text(), pass).q,
  }),
});
