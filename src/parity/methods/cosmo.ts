/** Golden file of CoSMo (reconstruction): x [B, N, D], s [B, D] -> map [B, N, D], q [B, D]. */
import type { Cosmo } from "../../models/methods/cosmo.js";
import { imageOf, methodCase } from "../method-case.js";

export const cosmoCase = methodCase<Cosmo>({
  model: "cosmo",
  fields: (comparison) => ({ embedDim: comparison.number("D"), heads: comparison.number("heads") }),
  outputs(model, inputs, pass) {
    const [x, text] = [inputs.value("x"), inputs.text()];
    const { map, content } = model.composer.forward(x, text.sentence);
    return { map, "aux.content": content, q: model.compose(imageOf(x), text, pass).q };
  },
  parameterName: (name) => `composer.${name}`,
});
