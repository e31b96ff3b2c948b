/** Evaluations for tests, made from ranks as evaluation makes them. */
import type { SeedEvaluation } from "../src/evaluation/comparison.js";
import { categoryResult, comparedMean, type EvaluationResult, meanOf } from "../src/evaluation/result.js";

/** What a test says about an evaluation besides its ranks. */
export type EvaluationFacts = Partial<
  Pick<EvaluationResult, "model" | "dataset" | "protocol" | "seed" | "commit">
> & {
  /** Images in every gallery. */
  readonly gallery?: number;
  /** Text of every query. */
  readonly text?: string;
};

/** Recalls that follow from the ranks of each category's queries: FashionIQ's, nothing left out. */
export function seedEvaluation(
  ranks: Readonly<Record<string, readonly number[]>>,
  { gallery = 900, text = "is red", ...facts }: EvaluationFacts = {},
): SeedEvaluation {
  const categories = Object.entries(ranks);
  const perCategory = Object.fromEntries(
    categories.map(([category, list]) => [category, categoryResult(list, gallery)]),
  );
  const mean = meanOf(Object.values(perCategory));
  const none = { dropped: 0, of: 1 };
  return {
    result: {
      model: "any",
      dataset: "fashioniq",
      split: "val",
      protocol: "val-split",
      reference: "removed",
      captions: "and",
      perCategory,
      mean,
      compared: comparedMean(mean, ["r10", "r50"]),
      dropped: { images: { ...none, broken: 0 }, triplets: none, galleryEntries: none },
      seed: 1,
      commit: "0123456789ab",
      ...facts,
    },
    ranks: Object.fromEntries(
      categories.map(([category, list]) => [
        category,
        list.map((rank, i) => ({ reference: `r${i}`, target: `t${i}`, text, rank })),
      ]),
    ),
  };
}
