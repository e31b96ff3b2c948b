/** Golden files of CLVC-Net: a map, words and a target's map through one branch; the losses of both. */

import type { Value } from "../../engine/graph/value.js";
import { not } from "../../engine/ops/comparison.js";
import { full } from "../../engine/ops/constant.js";
import { reshape, transpose } from "../../engine/ops/shape.js";
import { sequenceOf } from "../../models/image-encoder.js";
import type { ClvcNet } from "../../models/methods/clvc-net/clvc-net.js";
import { clvcLosses } from "../../models/methods/clvc-net/losses.js";
import { totalLoss } from "../../nn/losses/total.js";
import { lossFileCase } from "../loss-file-case.js";
import { methodCase } from "../method-case.js";
import type { GraphInputs } from "../module-case.js";

/** map [B, C, h, w], words [B, T, D], trg_map -> map (Y) or y, q, t, and the attention [B, T, N]. */
function branchCase(branch: "local" | "global") {
  return methodCase<ClvcNet>({
    name: "clvc-net",
    fields: (comparison) => ({ embedDim: comparison.number("D"), mapInput: "raw" }),
    levels: (comparison) => [{ name: "layer4", channels: comparison.number("C"), stride: 32 }],
    parameterName: (name) => `${branch}.${name}`,
    isElsewhere: branch === "local" ? /^global/ : /^(local|globalScale)/,
    outputs(model, inputs, pass) {
      const map = sequenceOf(inputs.value("map"));
      const { [branch]: own } = model;
      const { q, composed, attention } = own.compose(map, textOf(inputs), pass);
      const t = own.embedTarget(sequenceOf(inputs.value("trg_map")));
      const { shape } = inputs.value("map");
      const y =
        branch === "local" ? { map: reshape(transpose(composed, [0, 2, 1]), shape) } : { y: composed };
      return { ...y, q, t, "aux.attention": attention };
    },
  });
}

export const clvcLocalCase = branchCase("local");
export const clvcGlobalCase = branchCase("global");

/** q, t, scale of both branches, Y and the target's map -> every part, both branches' sums, and the loss. */
export const clvcLossCase = lossFileCase((inputs) => {
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
