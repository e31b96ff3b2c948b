/** Golden files of Css-Net: its heads and text compositors, around what stands for the image compositors; its losses. */
import type { Value } from "../../engine/graph/value.js";
import { add, multiply } from "../../engine/ops/arithmetic.js";
import { cast } from "../../engine/ops/constant.js";
import { mean } from "../../engine/ops/reduce.js";
import { voteLogits, voteLosses } from "../../models/methods/css-net/losses.js";
import { type ByLevel, byLevel, CssNetVoters, voteWeights } from "../../models/methods/css-net/voters.js";
import type { Parts } from "../../models/parts.js";
import { totalLoss } from "../../nn/losses/total.js";
import { anyRandom } from "../layer-cases.js";
import { partCase } from "../method-case.js";
import { methodLossCase } from "../method-loss-case.js";
import type { GraphInputs } from "../module-case.js";

/** ref.K, trg.K, composed.K [B, C_K, h, w], words [B, T, W] -> q.VOTE, t.VOTE, sentence.K [B, H]. */
export const cssNetCase = partCase<CssNetVoters>({
  build: (comparison) =>
    new CssNetVoters(
      {
        words: comparison.dim("input/words", 2),
        head: comparison.dim("param/embed_image.layer4.weight", 0),
        maps: byLevel((level) => comparison.dim(`input/ref.${level}`, 1)),
        partLength: comparison.number("norm_scale"),
      },
      anyRandom(),
    ),
  outputs(voters, inputs, pass) {
    const means = (name: string): ByLevel<Value> =>
      byLevel((level) => mean(inputs.value(`${name}.${level}`), { axes: [2, 3] }));
    const text = { words: inputs.value("words") };
    const query = voters.query({ reference: means("ref"), composed: means("composed") }, text, pass);
    return {
      ...named("sentence", voters.sentences(text, pass)),
      ...named("q", query),
      ...named("t", voters.target(means("trg"))),
    };
  },
});

/** q.VOTE, t.VOTE [B, H] -> ce.VOTE, kl, loss, and the score that ranks. */
export const cssNetLossCase = methodLossCase((comparison, inputs) => {
  const [q, t] = [partsOf(inputs, "q"), partsOf(inputs, "t")];
  const losses = voteLosses(
    q,
    t,
    byLevel((level) => comparison.number(`kl_weight_${level}`)),
  );
  const parts = losses.map(({ name, value }) => [
    name === "consensus" ? "kl" : `ce.${name.replace("-", ".")}`,
    value,
  ]);
  const weighted = Object.entries(voteLogits(q, t)).map(([vote, logits]) =>
    multiply(logits, voteWeights[vote as keyof typeof voteWeights]),
  );
  const ranking = cast(
    weighted.reduce((total, logits) => add(total, logits)),
    "float32",
  );
  return { ...Object.fromEntries(parts), loss: totalLoss(losses), "aux.ranking": ranking };
});

function partsOf(inputs: GraphInputs, prefix: string): Parts {
  return Object.fromEntries(
    Object.keys(voteWeights).map((vote) => [vote, inputs.value(`${prefix}.${vote}`)]),
  );
}

function named(prefix: string, values: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}.${name}`, value]));
}
