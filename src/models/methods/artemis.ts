/** ARTEMIS: the text says what of a target matters, so that pairs are scored. */
import { z } from "zod";
import type { Value } from "../../engine/graph/value.js";
import { add, divide, maximum, multiply } from "../../engine/ops/arithmetic.js";
import { cast } from "../../engine/ops/constant.js";
import { relu, sqrt, square } from "../../engine/ops/elementwise.js";
import { linear } from "../../engine/ops/linear.js";
import { l2Normalise } from "../../engine/ops/normalisation.js";
import { sum } from "../../engine/ops/reduce.js";
import { concat, slice } from "../../engine/ops/shape.js";
import { softmax } from "../../engine/ops/softmax.js";
import type { Random } from "../../engine/tensor/random.js";
import { Linear } from "../../nn/linear.js";
import { classificationPart } from "../../nn/losses/batch-classification.js";
import type { LossPart } from "../../nn/losses/total.js";
import {
  type BatchFeatures,
  type Composition,
  CompositionModel,
  type PairScoring,
} from "../composition-model.js";
import { encoderFields } from "../encoder-config.js";
import type { ImageFeatures } from "../image-encoder.js";
import type { TextFeatures } from "../text-encoder.js";

export const artemisSchema = z.strictObject({
  ...encoderFields,
  /** Choice. The authors start from e^2.65926 = 14.29 and learn the logarithm. */
  initialScale: encoderFields.initialScale.removeDefault().default(14),
});

/** A complete configuration. */
export type ArtemisConfig = z.output<typeof artemisSchema>;

/** Choice. Least number under the root: only a target of zeros is below it. */
const leastSquare = 1e-24;

/**
 * Attention-based retrieval with text-explicit matching and implicit similarity (Delmas et al., ICLR 2022, section 3).
 * With r = unit(x), m = unit(s), t of length 1, and M_e, M_i: D -> D -> D, linear, ReLU, linear, softmax over the D channels:
 *
 *   a_e = M_e(m),  a_i = M_i(m),  m' = unit(T(m))                                      each [B, D]
 *   EM = m' · unit(a_e * t)                                explicit matching
 *   IS = unit(a_i * r) · unit(a_i * t)                     implicit similarity
 *   score = EM + IS                                        of a query with a target, in [-2, 2]
 *
 * The text weighs the target's channels, so that no vector of the query is compared with vectors of the gallery. But each
 * term is (u · t) / sqrt(v · t²), t² by channel, which is how it is computed here:
 *
 *   u_e = a_e * m',              v_e = a_e * a_e
 *   u_i = a_i * unit(a_i * r),   v_i = a_i * a_i
 *
 * pairRow = [u_e ; v_e ; u_i ; v_i] [B, 4D]. There is no exact embedding of a query; q = u_e / |a_e| + u_i / |a_i| [B, D] is
 * what the score would be a dot product with if all channels of a target were of one size. Nothing is ranked by it.
 *
 * Written from the paper's equations, checked against values that the authors' module computed. Choice: x and s are the
 * encoders' own; the authors take a generalised mean over the map, and a linear layer after either.
 */
export class Artemis extends CompositionModel {
  readonly transform: Linear;
  readonly explicit1: Linear;
  readonly explicit2: Linear;
  readonly implicit1: Linear;
  readonly implicit2: Linear;

  constructor(config: ArtemisConfig, vocabularySize: number, random: Random) {
    super(config, vocabularySize, random);
    const layer = () => new Linear(config.embedDim, config.embedDim, random);
    this.transform = layer();
    this.explicit1 = layer();
    this.explicit2 = layer();
    this.implicit1 = layer();
    this.implicit2 = layer();
  }

  compose({ embedding }: ImageFeatures, { sentence }: TextFeatures): Composition {
    const [r, m] = [unit(embedding), unit(sentence)];
    const explicit = softmax(this.explicit2.forward(relu(this.explicit1.forward(m))), { axis: 1 });
    const implicit = softmax(this.implicit2.forward(relu(this.implicit1.forward(m))), { axis: 1 });
    const uE = multiply(explicit, unit(this.transform.forward(m)));
    const uI = multiply(implicit, unit(multiply(implicit, r)));
    const pairRow = concat([uE, square(explicit), uI, square(implicit)], { axis: 1 });
    return { q: add(dividedByLength(uE, explicit), dividedByLength(uI, implicit)), pairRow };
  }

  override losses({ composition, targetEmbedding }: BatchFeatures): readonly LossPart[] {
    return [classificationPart(this.similarity(composition, targetEmbedding.embedding, this.scale))];
  }

  override get pairScoring(): PairScoring {
    return { candidates: "all", score: (queries, gallery) => scoreOf(artemisTerms(queries, gallery)) };
  }

  /** scale · score of every query with every target [B, D], of any length: float64 [B, B]. */
  similarity({ pairRow }: Composition, targets: Value, scale: Value): Value {
    const rows = cast(pairRow as Value, "float64");
    const score = scoreOf(artemisTerms(rows, unit(cast(targets, "float64"))));
    return multiply(score, cast(scale, "float64"));
  }
}

/** EM and IS of pair rows [Q, 4D] with targets of length 1 [M, D]: each [Q, M]. */
export function artemisTerms(queries: Value, targets: Value): { explicit: Value; implicit: Value } {
  const width = targets.dim(1);
  const part = (index: number) => slice(queries, { axis: 1, start: index * width, end: (index + 1) * width });
  const squares = square(targets); // t² [M, D]
  const term = (u: Value, v: Value) =>
    divide(linear(u, targets), sqrt(maximum(linear(v, squares), leastSquare)));
  return { explicit: term(part(0), part(1)), implicit: term(part(2), part(3)) };
}

function scoreOf({ explicit, implicit }: ReturnType<typeof artemisTerms>): Value {
  return add(explicit, implicit);
}

function unit(x: Value): Value {
  return l2Normalise(x, { axis: 1 });
}

/** x / |a|, row by row; a softmax is never 0. */
function dividedByLength(x: Value, a: Value): Value {
  return divide(x, sqrt(sum(square(a), { axes: [1], keepDims: true })));
}
