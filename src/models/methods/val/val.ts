/** VAL: the text attends to three levels of the picture. */
import { z } from "zod";
import type { Value } from "../../../engine/graph/value.js";
import { add } from "../../../engine/ops/arithmetic.js";
import type { Random } from "../../../engine/tensor/random.js";
import type { ForwardPass } from "../../../nn/forward-pass.js";
import type { LossPart } from "../../../nn/losses/total.js";
import {
  type BatchFeatures,
  type Composition,
  CompositionModel,
  type TargetEmbedding,
} from "../../composition-model.js";
import { encoderFields } from "../../encoder-config.js";
import type { ImageFeatures } from "../../image-encoder.js";
import type { ModelSurroundings } from "../../model-definition.js";
import { mapRows, refusedHeads } from "../../refused.js";
import type { TextFeatures } from "../../text-encoder.js";
import { embeddingOf, lowerLevels, mapsOf } from "../three-levels.js";
import { ValComposer } from "./composer.js";
import { matchingLoss, negativeRules } from "./matching-loss.js";

export const valSchema = z.strictObject({
  ...encoderFields,
  /** Parts that the channels are split into for self-attention, as the authors; embedDim must be a multiple. */
  heads: z.int().min(1).max(64).default(2),
  /** Of the sentence, and of attention weights. */
  dropout: z.number().min(0).lt(1).default(0.1),
  /** Choice. E, width of the text as the levels see it; null is embedDim. The authors have 512. */
  textWidth: z.int().min(1).max(8192).nullable().default(null),
  /** Choice. Batch classification on the three cosines' mean, or the authors' bidirectional matching of each level. */
  loss: z.enum(["classification", "triplet"]).default("classification"),
  /** Of the triplet loss, on squared distances of unit vectors. */
  margin: z.number().min(0).max(4).default(0.2),
  /** Choice, of the triplet loss. Which negatives count: the authors' code and the paper's text differ; or all. */
  negatives: z.enum(negativeRules).default("code"),
});

export type ValConfig = z.output<typeof valSchema>;

export const refusedVal = (config: Partial<ValConfig>): readonly string[] => refusedHeads(config);

/**
 * Visiolinguistic attention learning (Chen, Gong, Bazzani, CVPR 2020; equations of yanbeic/VAL @8d12749): `ValComposer` on three
 * levels of the picture, low to high,
 *
 *   q = [unit(mean y_2) ; unit(mean y_3) ; unit(mean y_4)],   t the same of the target's own maps
 *   L = batch classification, or the sum of the levels' `matchingLoss`
 *
 * y_l [B, N_l, D] -> q, t [B, 3D]. The levels are layer2 and layer3, averaged over 2x2 and projected to D, and X.
 * The spatial kernels have the maps' sizes, so a model sees pictures of one size: the run's, and so its bundle's.
 */
export class Val extends CompositionModel {
  readonly composer: ValComposer;
  readonly #config: ValConfig;

  constructor(
    config: ValConfig,
    vocabularySize: number,
    random: Random,
    { imagePx }: Pick<ModelSurroundings, "imagePx">,
  ) {
    super(config, vocabularySize, random, { levels: lowerLevels });
    const { embedDim, textWidth } = config;
    const source = { ...config, imagePx };
    const rowsOfLower = lowerLevels.map(({ name, isHalved }) => mapRows(source, { level: name, isHalved }));
    const sizes = [...rowsOfLower, mapRows(source)].map((rows) => ({
      width: embedDim,
      rows,
      columns: rows,
    }));
    const widths = { sentence: embedDim, text: textWidth ?? embedDim };
    this.composer = new ValComposer(widths, sizes, random, config);
    this.#config = config;
  }

  compose(reference: ImageFeatures, { sentence }: TextFeatures, pass: ForwardPass): Composition {
    const { embedding, parts } = embeddingOf(this.composer.forward(mapsOf(reference), sentence, pass));
    return { q: embedding, parts };
  }

  override embedTarget(features: ImageFeatures, _pass: ForwardPass): TargetEmbedding {
    return embeddingOf(mapsOf(features));
  }

  override losses(batch: BatchFeatures, pass: ForwardPass): readonly LossPart[] {
    if (this.#config.loss === "classification") return super.losses(batch, pass);
    const { composition, targetEmbedding } = batch;
    const ofLevels = Object.entries(composition.parts ?? {}).map(([name, q]) =>
      matchingLoss(q, targetEmbedding.parts?.[name] as Value, this.#config),
    );
    return [{ name: "triplet", weight: 1, value: ofLevels.reduce((total, loss) => add(total, loss)) }];
  }
}
