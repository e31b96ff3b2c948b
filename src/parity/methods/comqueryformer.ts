/** Golden files of ComqueryFormer: its composition, of levels of any width, and its losses. */
import type { Value } from "../../engine/graph/value.js";
import { add } from "../../engine/ops/arithmetic.js";
import { not } from "../../engine/ops/comparison.js";
import { ComqueryComposer, type LevelParts } from "../../models/methods/comqueryformer/composer.js";
import { dotClassificationLoss, flat } from "../../models/methods/comqueryformer/comqueryformer.js";
import { anyRandom } from "../layer-cases.js";
import { partCase } from "../method-case.js";
import { methodLossCase } from "../method-loss-case.js";
import type { GraphInputs } from "../module-case.js";
import { blockCount } from "./block-count.js";

/** image.L, target.L [B, N_L, C_L], text.L [B, T, C'_L] -> q.global.L, t.global.L [B, H], q.local.L, t.local.L [B, R, H]. */
export const comqueryFormerCase = partCase<ComqueryComposer>({
  build(comparison) {
    const widthsOf = (name: string) =>
      comparison.namesAfter(`input/${name}.`).map((_, l) => comparison.dim(`input/${name}.${l}`, 2));
    const widths = { image: widthsOf("image"), text: widthsOf("text") };
    const options = {
      width: comparison.dim("param/pool.weight", 0),
      heads: comparison.number("heads"),
      ffnWidth: comparison.dim("param/image_layers.0.ffn1.weight", 0),
      layers: blockCount(comparison, "image_layers"),
      regionCount: comparison.dim("param/regions_query.0.conv.weight", 0),
      dropout: 0,
    };
    return new ComqueryComposer(widths, options, anyRandom());
  },
  outputs(composer, inputs, pass) {
    const values = (name: string) => composer.image_in.map((_, l) => inputs.value(`${name}.${l}`));
    const maps = (name: string) => values(name).map(squareMap);
    const mask = not(inputs.value("pad_mask"));
    const query = composer.query(maps("image"), values("text"), mask, pass);
    return { ...named("q", query), ...named("t", composer.target(maps("target"))) };
  },
});

function squareMap(regions: Value) {
  const rows = Math.round(Math.sqrt(regions.dim(1)));
  return { regions, rows, columns: regions.dim(1) / rows };
}

function named(side: "q" | "t", levels: readonly LevelParts[]): Record<string, Value> {
  const values = levels.flatMap(({ global, local }, l) => [
    [`${side}.global.${l}`, global],
    [`${side}.local.${l}`, local],
  ]);
  return Object.fromEntries(values);
}

/** q.global.L, t.global.L [B, H], q.local.L, t.local.L [B, R, H] -> ce.global.L, ce.local.L, and their sum. */
export const comqueryFormerLossCase = methodLossCase((comparison, inputs) => {
  const parts = comparison.namesAfter("input/q.").map((part) => {
    const [q, t] = [vectors(inputs, `q.${part}`), vectors(inputs, `t.${part}`)];
    return [`ce.${part}`, dotClassificationLoss(q, t)] as const;
  });
  const loss = parts.map(([, value]) => value).reduce((total, value) => add(total, value));
  return { ...Object.fromEntries(parts), loss };
});

function vectors(inputs: GraphInputs, name: string): Value {
  const value = inputs.value(name);
  return value.rank === 3 ? flat(value) : value;
}
