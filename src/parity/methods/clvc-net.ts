/** Golden files of CLVC-Net: a map, words and a target's map through one branch; the losses of both. */

import type { Value } from "../../engine/graph/value.js";
import { not } from "../../engine/ops/comparison.js";
import { full } from "../../engine/ops/constant.js";
import { reshape, transpose } from "../../engine/ops/shape.js";
import { GlobalBranch, LocalBranch } from "../../models/methods/clvc-net/branch.js";
import { clvcLosses } from "../../models/methods/clvc-net/losses.js";
import { regionsOfMap } from "../../models/region-map.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { totalLoss } from "../../nn/losses/total.js";
import type { GoldenComparison } from "../golden-comparison.js";
import { anyRandom } from "../layer-cases.js";
import { partCase } from "../method-case.js";
import { methodLossCase } from "../method-loss-case.js";
import type { GraphInputs } from "../module-case.js";

/** map [B, C, h, w], words [B, T, D], trg_map -> map (Y) or y, q, t, and the attention [B, T, N]. */
const outputsOf =
  (composedOf: (composed: Value, inputs: GraphInputs) => Record<string, Value>) =>
  (branch: LocalBranch | GlobalBranch, inputs: GraphInputs, pass: ForwardPass): Record<string, Value> => {
    const { q, composed, attention } = branch.compose(
      regionsOfMap(inputs.value("map")),
      textOf(inputs),
      pass,
    );
    const t = branch.embedTarget(regionsOfMap(inputs.value("trg_map")));
    return { ...composedOf(composed, inputs), q, t, "aux.attention": attention };
  };

const sizesOf = (comparison: GoldenComparison) => ({
  channels: comparison.number("C"),
  width: comparison.number("D"),
});

export const clvcLocalCase = partCase<LocalBranch>({
  build: (comparison) => new LocalBranch(sizesOf(comparison), anyRandom()),
  outputs: outputsOf((composed, inputs) => {
    const { shape } = inputs.value("map");
    return { map: reshape(transpose(composed, [0, 2, 1]), shape) };
  }),
});

export const clvcGlobalCase = partCase<GlobalBranch>({
  build: (comparison) => new GlobalBranch(sizesOf(comparison), anyRandom()),
  outputs: outputsOf((composed) => ({ y: composed })),
});

/** q, t, scale of both branches, Y and the target's map -> every part, both branches' sums, and the loss. */
export const clvcLossCase = methodLossCase((_comparison, inputs) => {
  const of = (branch: string) => ({
    q: inputs.value(`q_${branch}`),
    t: inputs.value(`t_${branch}`),
    scale: inputs.value(`scale_${branch}`),
  });
  const maps = { composed: inputs.value("map_q"), target: inputs.value("map_t") };
  const parts = clvcLosses({ local: of("local"), global: of("global") }, maps);
  const partsOf = (pattern: RegExp) => parts.filter(({ name }) => pattern.test(name));
  const sumOf = (pattern: RegExp) => totalLoss(partsOf(pattern));
  return {
    class_local: sumOf(/^classification-local/),
    class_global: sumOf(/^classification-global/),
    kl_local: sumOf(/^mutual-local/),
    kl_global: sumOf(/^mutual-global/),
    img_local: sumOf(/^alignment-local/),
    img_global: sumOf(/^alignment-global/),
    perceptual: sumOf(/^map$/),
    local: sumOf(/(-local|^map)$/),
    global: sumOf(/-global$/),
    loss: totalLoss(parts),
  };
});

/** Where the file has no padding, every word counts. */
function textOf(inputs: GraphInputs) {
  const words = inputs.value("words");
  return { words, sentence: words, mask: maskOf(inputs, words) };
}

function maskOf(inputs: GraphInputs, words: Value): Value {
  if (inputs.has("pad_mask")) return not(inputs.value("pad_mask"));
  return full([1, words.dim(1)], 1, "bool");
}
