/** Golden files of VAL: the composition of three levels of any width, and the matching loss of one level. */
import { embeddingOf } from "../../models/methods/three-levels.js";
import { ValComposer } from "../../models/methods/val/composer.js";
import { type MatchingOptions, matchingLoss } from "../../models/methods/val/matching-loss.js";
import { anyRandom } from "../layer-cases.js";
import { partCase } from "../method-case.js";
import { methodLossCase } from "../method-loss-case.js";

/** x.K [B, N_K, C_K], s [B, D], target.K -> map.K [B, N_K, C_K], q, t [B, sum of C_K]. */
export const valCase = partCase<ValComposer>({
  build(comparison) {
    const levels = comparison.namesAfter("input/x.");
    const sizes = levels.map((level) => ({
      width: comparison.dim(`input/x.${level}`, 2),
      rows: comparison.dim(`param/levels.${level}.spatial.weight`, 0),
      columns: comparison.dim(`param/levels.${level}.spatial.weight`, 1),
    }));
    const widths = {
      text: comparison.dim("param/text.weight", 0),
      sentence: comparison.dim("param/text.weight", 1),
    };
    return new ValComposer(widths, sizes, anyRandom(), { heads: comparison.number("heads"), dropout: 0 });
  },
  outputs(composer, inputs, pass) {
    const of = (name: string) => composer.levels.map((_, i) => inputs.value(`${name}.${i}`));
    const maps = composer.forward(of("x"), inputs.value("s"), pass);
    const named = Object.fromEntries(maps.map((map, i) => [`map.${i}`, map]));
    return { ...named, q: embeddingOf(maps).embedding, t: embeddingOf(of("target")).embedding };
  },
});

/** q, t [B, D] -> loss, by each rule of what counts as a negative. */
export const valLossCase = methodLossCase((comparison, inputs) => {
  const lossBy = (negatives: MatchingOptions["negatives"]) =>
    matchingLoss(inputs.value("q"), inputs.value("t"), { margin: comparison.number("margin"), negatives });
  return { loss: lossBy("code"), "anchor/loss": lossBy("paper"), "hardest/loss": lossBy("all") };
});
