/** DCNet: experts that compose a query, and say for each pair what would have to be changed. */
import { z } from "zod";
import type { Value } from "../../../engine/graph/value.js";
import { add, multiply } from "../../../engine/ops/arithmetic.js";
import { l2Normalise } from "../../../engine/ops/normalisation.js";
import { concat, slice } from "../../../engine/ops/shape.js";
import type { Random } from "../../../engine/tensor/random.js";
import { GraphError } from "../../../errors.js";
import type { ForwardPass } from "../../../nn/forward-pass.js";
import type { LossPart } from "../../../nn/losses/total.js";
import {
  type BatchFeatures,
  type Composition,
  CompositionModel,
  type PairScoring,
  type TargetEmbedding,
} from "../../composition-model.js";
import { encoderFields } from "../../encoder-config.js";
import type { ImageFeatures } from "../../image-encoder.js";
import { joinParts, type Parts } from "../../parts.js";
import type { TextFeatures } from "../../text-encoder.js";
import { type ByExpert, compositionScore, correctionScore, DcnetComposer } from "./composer.js";
import { type ExpertName, expertNames, levelOf } from "./experts.js";
import { dcnetLosses } from "./losses.js";

export const dcnetSchema = z.strictObject({
  ...encoderFields,
  /** What is looked at; for Shoes the authors add layer2. */
  experts: z
    .array(z.enum(expertNames))
    .min(1)
    .refine((names) => new Set(names).size === names.length, "experts: each may be there once")
    .default(expertNames.filter((name) => name !== "layer2")),
  /** Choice. What the text experts read: W of the text encoder, or word vectors, as the authors' (who have no LSTM) do. */
  textInput: z.enum(["words", "embeddings"]).default("words"),
  /** On what image experts look at, and twice in the text experts. */
  dropout: z.number().min(0).lt(1).default(0.2),
  /** Taken from the score of each query's own target in training. */
  margin: z.number().min(0).max(10).default(0.3),
  /** Weight of the joint loss: 0.5 for FashionIQ, 0.2 for Shoes. */
  jointWeight: z.number().min(0).max(100).default(0.5),
  /** Choice. How many of an index' best by composition a search scores by correction too; evaluation scores all. */
  rerank: z.int().min(1).max(1_000_000).default(500),
});

/** A complete configuration. */
export type DcnetConfig = z.output<typeof dcnetSchema>;

/**
 * Dual composition (Kim et al., AAAI 2021; the authors' code at 68c79d3): composition and correction by E experts, see
 * `DcnetComposer`. i is a query with reference x and text t, j a target y:
 *
 *   S_r[i, j] = sum over e of c_e(i) · y_e(j)                 the composed query looks like the target
 *   S_c[i, j] = sum over e of d_e(x(i), y(j)) · t_e(i)        the change from reference to target reads like the text
 *   S_j[i, j] = sum over e of c'_e(i) · c_e(j),   c' = composition of x(i) and (d_e(x(i), y(i)) + t_e(i)) / 2
 *   L = CE_m(S_r) + CE_m(S_c) + λ CE_m(S_j)                   see `dcnetLosses`
 *
 * Ranking is by S_r + S_c. pairRow = [x ; t ; c], all experts' side by side [B, 3 E D]; q and the gallery's embeddings are the
 * experts' units [B, E D], whose dot products order as S_r does. Composition runs twice a step: its batch norms see both.
 */
export class Dcnet extends CompositionModel {
  readonly composer: DcnetComposer;
  readonly #config: DcnetConfig;

  constructor(config: DcnetConfig, vocabularySize: number, random: Random) {
    const levels = [...new Set(config.experts.map(levelOf))];
    super(config, vocabularySize, random, { levels });
    const channels = this.image.backbone.levels.map((level) => [level.name, level.channels] as const);
    this.composer = new DcnetComposer(
      {
        experts: config.experts,
        channels: Object.fromEntries(channels),
        wordWidth: config.textInput === "words" ? config.embedDim : config.wordDim,
        width: config.embedDim,
      },
      random,
      config,
    );
    this.#config = config;
  }

  compose({ levels }: ImageFeatures, text: TextFeatures, pass: ForwardPass): Composition {
    const x = this.composer.image(levels, pass);
    const t = this.composer.sentence(this.#read(text), text.mask, pass);
    const c = this.composer.compose(x, t, pass);
    const parts = this.#named(c);
    return { q: this.#joined(parts), parts, pairRow: concat([...x, ...t, ...c], { axis: 1 }) };
  }

  override embedTarget({ levels }: ImageFeatures, pass: ForwardPass): TargetEmbedding {
    const parts = this.#named(this.composer.image(levels, pass));
    return { embedding: this.#joined(parts), parts };
  }

  override losses({ composition, targetEmbedding }: BatchFeatures, pass: ForwardPass): readonly LossPart[] {
    const { x, t, c } = this.#split(composition.pairRow as Value);
    const y = this.#config.experts.map((expert) => targetEmbedding.parts?.[expert] as Value);
    const own = this.composer.correct(x, y);
    const both = own.map((d, e) => multiply(add(d, t[e] as Value), 0.5));
    return dcnetLosses(
      {
        composition: compositionScore(c, y),
        correction: correctionScore(this.composer.correctPairs(x, y), t),
        joint: compositionScore(this.composer.compose(x, both, pass), c),
      },
      this.#config,
    );
  }

  override get pairScoring(): PairScoring {
    return {
      candidates: this.#config.rerank,
      score: (queries, gallery) => {
        const { x, t, c } = this.#split(queries);
        const y = this.#sliced(gallery).map((part) =>
          multiply(l2Normalise(part, { axis: 1 }), this.composer.image_scale),
        );
        return add(compositionScore(c, y), correctionScore(this.composer.correctPairs(x, y), t));
      },
    };
  }

  #read({ words, vectors }: TextFeatures): Value {
    if (this.#config.textInput === "words") return words;
    if (vectors) return vectors;
    throw new GraphError("textInput: the text encoder has no word vectors; set textInput to words");
  }

  #named(values: ByExpert): Parts {
    return Object.fromEntries(this.#config.experts.map((expert, e) => [expert, values[e] as Value]));
  }

  /** Each expert counts alike. */
  #joined(parts: Parts): Value {
    return joinParts(
      parts,
      Object.fromEntries(this.#config.experts.map((expert: ExpertName) => [expert, 1])),
    );
  }

  /** x, t and c of pair rows. */
  #split(rows: Value): { readonly x: ByExpert; readonly t: ByExpert; readonly c: ByExpert } {
    const all = this.#sliced(rows);
    const count = this.#config.experts.length;
    return { x: all.slice(0, count), t: all.slice(count, 2 * count), c: all.slice(2 * count) };
  }

  /** Side by side [B, k D] -> k times [B, D]. */
  #sliced(joined: Value): ByExpert {
    const width = this.#config.embedDim;
    return Array.from({ length: joined.dim(1) / width }, (_, i) =>
      slice(joined, { axis: 1, start: i * width, end: (i + 1) * width }),
    );
  }
}
