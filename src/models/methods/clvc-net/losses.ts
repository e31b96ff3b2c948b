/** What CLVC-Net minimises: each branch follows the targets and, held constant, the other branch. */
import type { Value } from "../../../engine/graph/value.js";
import { add, subtract } from "../../../engine/ops/arithmetic.js";
import { constant, stopGradient } from "../../../engine/ops/constant.js";
import { square } from "../../../engine/ops/elementwise.js";
import { mean } from "../../../engine/ops/reduce.js";
import { float32 } from "../../../engine/tensor/tensor.js";
import { batchClassificationLoss } from "../../../nn/losses/batch-classification.js";
import { similarityDivergences } from "../../../nn/losses/consistency.js";
import { scaledSimilarity } from "../../../nn/losses/similarity.js";
import type { LossPart } from "../../../nn/losses/total.js";

/** What the losses see of one branch: raw embeddings [B, D], and its scale []. */
export interface BranchEmbeddings {
  readonly q: Value;
  readonly t: Value;
  readonly scale: Value;
}

/** Y of the local branch and F of the target, both [B, N, C] or both maps. */
export interface ComparedMaps {
  readonly composed: Value;
  readonly target: Value;
}

const branches = ["local", "global"] as const;
type BranchName = (typeof branches)[number];

/** Factor of the cosines in the mutual loss: fixed, as in the authors' code. */
const mutualScale = 10;

/**
 * For each branch b, o being the other with its q and t held constant, S_b = cosines of q_b and t_b:
 *
 *   classification-b = CE(scale_b · S_b)
 *   mutual-b         = mean over i of KL(softmax(10 S_o) || softmax(10 S_b)), by rows
 *   alignment-b      = MSE(q_b, q_o) + MSE(t_b, t_o)
 *   map              = MSE(Y, F of the target), of the local branch alone
 *
 * All of weight 1. Choice: the sum of both branches at once; the authors update one branch after the other.
 */
export function clvcLosses(
  embeddings: Readonly<Record<BranchName, BranchEmbeddings>>,
  { composed, target }: ComparedMaps,
): readonly LossPart[] {
  const parts = branches.flatMap((name) => {
    const own = embeddings[name];
    const other = embeddings[name === "local" ? "global" : "local"];
    const [q, t] = [stopGradient(other.q), stopGradient(other.t)];
    const scale = constant(float32([], [mutualScale]));
    const cosines = (a: Value, b: Value) => scaledSimilarity(a, b, scale);
    return [
      {
        name: `classification-${name}`,
        value: batchClassificationLoss(scaledSimilarity(own.q, own.t, own.scale)),
      },
      { name: `mutual-${name}`, value: similarityDivergences(cosines(own.q, own.t), cosines(q, t)).uToQ },
      { name: `alignment-${name}`, value: add(meanSquare(own.q, q), meanSquare(own.t, t)) },
    ];
  });
  parts.push({ name: "map", value: meanSquare(composed, target) });
  return parts.map((part) => ({ ...part, weight: 1 }));
}

/** Mean over all elements of (a - b)². */
function meanSquare(a: Value, b: Value): Value {
  return mean(square(subtract(a, b)));
}
