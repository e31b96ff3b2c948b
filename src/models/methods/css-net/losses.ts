/** Losses of Css-Net: one classification for each vote, and a consensus of the image compositors. */
import type { Value } from "../../../engine/graph/value.js";
import { add, multiply } from "../../../engine/ops/arithmetic.js";
import { cast } from "../../../engine/ops/constant.js";
import { linear } from "../../../engine/ops/linear.js";
import { batchClassificationLoss } from "../../../nn/losses/batch-classification.js";
import { similarityDivergences } from "../../../nn/losses/consistency.js";
import type { LossPart } from "../../../nn/losses/total.js";
import type { Parts } from "../../parts.js";
import { type ByLevel, voteWeights } from "./voters.js";

/** Names of the votes, as their parts are called. */
const votes = Object.keys(voteWeights) as (keyof typeof voteWeights)[];

/** How much each level's logits count in what the image compositors are to agree on. */
export const authorsConsensus: ByLevel<number> = { layer4: 0.1, layer3: 10 };

/** S_v = q_v · t_v of every vote v, of the parts as they are: float64 [B, B]. */
export function voteLogits(q: Parts, t: Parts): Readonly<Record<keyof typeof voteWeights, Value>> {
  const wide = (parts: Parts, vote: string) => cast(parts[vote] as Value, "float64");
  const logits = votes.map((vote) => [vote, linear(wide(q, vote), wide(t, vote))] as const);
  return Object.fromEntries(logits) as Record<keyof typeof voteWeights, Value>;
}

/**
 * L = sum over votes of CE(S_v) + mean_i [KL(m ‖ softmax S_4) + KL(m ‖ softmax S_3)], S_4 and S_3 the image compositors' logits,
 * m = softmax_j(0.1 S_4 + 10 S_3); gradients flow through m too.
 */
export function voteLosses(q: Parts, t: Parts, consensus: ByLevel<number> = authorsConsensus): LossPart[] {
  const logits = voteLogits(q, t);
  const [s4, s3] = [logits["image.layer4"], logits["image.layer3"]];
  const agreed = add(multiply(s4, consensus.layer4), multiply(s3, consensus.layer3));
  const divergence = add(similarityDivergences(agreed, s4).qToU, similarityDivergences(agreed, s3).qToU);
  const ofVotes = votes.map((vote) => ({
    name: vote.replace(".", "-"),
    weight: 1,
    value: batchClassificationLoss(logits[vote]),
  }));
  return [...ofVotes, { name: "consensus", weight: 1, value: divergence }];
}
