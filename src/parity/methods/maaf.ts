/** Golden file of MAAF: x, target [B, N, D], level after level, w [B, T, D], pad_mask -> q, t [B, D]. */
import { slice } from "../../engine/ops/shape.js";
import { WeightsError } from "../../errors.js";
import type { ImageFeatures } from "../../models/image-encoder.js";
import type { Maaf } from "../../models/methods/maaf.js";
import type { GoldenComparison } from "../golden-comparison.js";
import { imageOf, methodCase } from "../method-case.js";
import type { GraphInputs } from "../module-case.js";
import { blockCount } from "./block-count.js";

export const maafCase = methodCase<Maaf>({
  model: "maaf",
  fields: (comparison) => ({
    embedDim: comparison.dim("input/x", 2),
    levels: levelLengths(comparison).length === 1 ? [4] : [3, 4],
    blocks: blockCount(comparison, "blocks"),
    heads: comparison.number("heads"),
    ffnWidth: comparison.dim("param/blocks.0.ffn1.weight", 0),
    dropout: 0,
  }),
  outputs: (model, inputs, pass, comparison) => ({
    q: model.compose(imageOfLevels(comparison, inputs, "x"), inputs.text(), pass).q,
    t: model.embedTarget(imageOfLevels(comparison, inputs, "target"), pass).embedding,
  }),
});

/** Lengths N_l, which the metadata's "levels" lists. */
function levelLengths(comparison: GoldenComparison): readonly number[] {
  const text = comparison.text("levels");
  const lengths = (text.match(/\d+/g) ?? []).map(Number);
  if (lengths.length > 0) return lengths;
  throw new WeightsError(`the metadata's "levels" must be a list of lengths; got ${text}`);
}

function imageOfLevels(comparison: GoldenComparison, inputs: GraphInputs, name: string): ImageFeatures {
  const lengths = levelLengths(comparison);
  const all = inputs.value(name);
  const maps = lengths.map((length, i) => {
    const start = lengths.slice(0, i).reduce((sum, before) => sum + before, 0);
    return slice(all, { axis: 1, start, end: start + length });
  });
  const levels = maps
    .slice(0, -1)
    .map((regions) => ({ name: "layer3", regions, rows: regions.dim(1), columns: 1 }));
  return imageOf(maps.at(-1) ?? all, { levels });
}
