/** Golden files of DCNet: maps of reference and target by level, words -> experts, composition, correction and scores. */
import type { Value } from "../../engine/graph/value.js";
import { add, multiply } from "../../engine/ops/arithmetic.js";
import { not } from "../../engine/ops/comparison.js";
import { concat, expandDims } from "../../engine/ops/shape.js";
import { WeightsError } from "../../errors.js";
import {
  type ByExpert,
  compositionScore,
  correctionScore,
  DcnetComposer,
} from "../../models/methods/dcnet/composer.js";
import { type ExpertName, expertNames } from "../../models/methods/dcnet/experts.js";
import { dcnetLosses } from "../../models/methods/dcnet/losses.js";
import { regionsOfMap } from "../../models/region-map.js";
import { totalLoss } from "../../nn/losses/total.js";
import type { GoldenComparison } from "../golden-comparison.js";
import { anyRandom } from "../layer-cases.js";
import { partCase } from "../method-case.js";
import { methodLossCase } from "../method-loss-case.js";
import type { GraphInputs } from "../module-case.js";

export const dcnetCase = partCase<DcnetComposer>({
  build: (comparison) =>
    new DcnetComposer(
      {
        experts: expertsOf(comparison),
        channels: Object.fromEntries(
          comparison
            .namesAfter("input/ref.")
            .map((level) => [level, comparison.dim(`input/ref.${level}`, 1)]),
        ),
        wordWidth: comparison.dim("input/words", 2),
        width: comparison.number("D"),
      },
      anyRandom(),
      { dropout: 0 },
    ),
  outputs(composer, inputs, pass) {
    const x = composer.image(levelsOf(inputs, "ref"), pass);
    const y = composer.image(levelsOf(inputs, "trg"), pass);
    const t = composer.sentence(inputs.value("words"), not(inputs.value("pad_mask")), pass);
    const c = composer.compose(x, t, pass);
    const d = composer.correctPairs(x, y);
    const both = composer.correct(x, y).map((own, e) => multiply(add(own, t[e] as Value), 0.5));
    return {
      x_ref: stacked(x),
      x_trg: stacked(y),
      t: stacked(t),
      c: stacked(c),
      d: stacked(d),
      score_comp: compositionScore(c, y),
      score_corr: correctionScore(d, t),
      score_joint: compositionScore(composer.compose(x, both, pass), c),
    };
  },
});

/** score_comp, score_corr, score_joint [B, B] -> each part, and the loss. */
export const dcnetLossCase = methodLossCase((comparison, inputs) => {
  const parts = dcnetLosses(
    {
      composition: inputs.value("score_comp"),
      correction: inputs.value("score_corr"),
      joint: inputs.value("score_joint"),
    },
    { margin: comparison.number("margin"), jointWeight: comparison.number("joint_weight") },
  );
  const [comp, corr, joint] = parts.map(({ value }) => value) as [Value, Value, Value];
  return { comp, corr, joint, loss: totalLoss(parts) };
});

/** @throws WeightsError for an expert that there is not. */
function expertsOf(comparison: GoldenComparison): readonly ExpertName[] {
  const named: unknown = JSON.parse(comparison.text("experts"));
  return (Array.isArray(named) ? named : []).map((name) => {
    const expert = expertNames.find((known) => known === name);
    if (expert) return expert;
    throw new WeightsError(`"experts" must be of ${expertNames.join(", ")}; got ${name}`);
  });
}

function levelsOf(inputs: GraphInputs, picture: "ref" | "trg") {
  return ["layer4", "layer3", "layer2"]
    .filter((name) => inputs.has(`${picture}.${name}`))
    .map((name) => ({ name, ...regionsOfMap(inputs.value(`${picture}.${name}`)) }));
}

/** E times [..., D] -> [..., E, D] */
function stacked(values: ByExpert): Value {
  const axis = (values[0]?.rank ?? 1) - 1;
  return concat(
    values.map((value) => expandDims(value, axis)),
    { axis },
  );
}
