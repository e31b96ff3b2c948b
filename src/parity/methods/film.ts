/** Golden file of FiLM: x [B, N, D], N a square, row by row, s [B, D] -> q [B, D]. */
import type { Film } from "../../models/baselines/film.js";
import { imageOf, methodCase } from "../method-case.js";
import { blockCount } from "./block-count.js";

export const filmCase = methodCase<Film>({
  model: "film",
  fields: (comparison) => ({
    embedDim: comparison.dim("input/x", 2),
    blocks: blockCount(comparison, "blocks"),
  }),
  outputs: (model, inputs, pass) => ({
    q: model.compose(imageOf(inputs.value("x")), inputs.text(), pass).q,
  }),
});
