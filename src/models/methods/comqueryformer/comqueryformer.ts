/** ComqueryFormer: a cross-modal transformer on several levels, compared as a whole and by regions. */
import { z } from "zod";
import type { Value } from "../../../engine/graph/value.js";
import { cast } from "../../../engine/ops/constant.js";
import { linear } from "../../../engine/ops/linear.js";
import { concat, reshape } from "../../../engine/ops/shape.js";
import type { Random } from "../../../engine/tensor/random.js";
import type { ForwardPass } from "../../../nn/forward-pass.js";
import { batchClassificationLoss } from "../../../nn/losses/batch-classification.js";
import type { LossPart } from "../../../nn/losses/total.js";
import {
  type BatchFeatures,
  type Composition,
  CompositionModel,
  type TargetEmbedding,
} from "../../composition-model.js";
import { encoderFields } from "../../encoder-config.js";
import type { ImageFeatures, LevelRequest } from "../../image-encoder.js";
import type { Parts } from "../../parts.js";
import type { Regions } from "../../region-map.js";
import type { TextFeatures } from "../../text-encoder.js";
import { ComqueryComposer, type LevelParts } from "./composer.js";

export const comqueryFormerSchema = z.strictObject({
  ...encoderFields,
  /** Choice. Stages of the backbone whose positions are tokens: the last three, or the last two. */
  levels: z
    .array(z.int())
    .refine((levels) => ["2,3,4", "3,4"].includes(String(levels)), "must be [2, 3, 4] or [3, 4]")
    .default([2, 3, 4]),
  /** Choice. H, width of the transformer and of every part; null is embedDim. The authors have 768. */
  transformerWidth: z.int().min(1).max(8192).nullable().default(null),
  /** Attention heads; the transformer's width must be a multiple. */
  heads: z.int().min(1).max(64).default(8),
  /** Width of the feed-forward networks; null is four times the transformer's. */
  ffnWidth: z.int().min(1).max(65536).nullable().default(null),
  /** K, layers of the transformer. */
  layers: z.int().min(1).max(16).default(4),
  /** R, regions that a level is compared by. */
  regionCount: z.int().min(1).max(256).default(8),
  /** Of attention weights, after attention, and after the feed-forward network. */
  dropout: z.number().min(0).lt(1).default(0.1),
});

/** A complete configuration. */
export type ComqueryFormerConfig = z.output<typeof comqueryFormerSchema>;

export function refusedComqueryFormer({
  embedDim,
  transformerWidth,
  heads,
}: Partial<ComqueryFormerConfig>): readonly string[] {
  const width = transformerWidth ?? embedDim;
  if (width === undefined || heads === undefined || width % heads === 0) return [];
  return [
    `heads: transformerWidth (embedDim where it is null) must be a multiple of heads; got ${width}, heads ${heads}`,
  ];
}

/** Lower stages by their numbers. Choice: layer2 is averaged over 2x2 positions, to as many as layer3 has. */
const lowerLevels: Readonly<Record<number, LevelRequest>> = {
  2: { name: "layer2", isHalved: true },
  3: { name: "layer3" },
};

/**
 * ComqueryFormer (Xu et al., TMM 2023; authors' code uestc-xyh/ComqueryFormer at 55abdc4), see `ComqueryComposer`:
 *
 *   score(q, t) = sum over levels of global_l · global'_l + sum over regions of local_l,r · local'_l,r
 *   L = sum over levels of CE(global_l · global'_l) + CE(sum over regions of local_l,r · local'_l,r)
 *
 * q, t [B, levels · (1 + R) · H]: all parts side by side. Their lengths are learned and the same for every picture, so that the
 * cosine of q and t ranks as the score does; the learned scale is not used.
 * Choice: the authors' Swin and BERT are this project's encoders here; layer4's tokens are X, and every level's text is W.
 */
export class ComqueryFormer extends CompositionModel {
  readonly composer: ComqueryComposer;

  constructor(config: ComqueryFormerConfig, vocabularySize: number, random: Random) {
    const requests = config.levels.flatMap((level) => lowerLevels[level] ?? []);
    super(config, vocabularySize, random, { levels: requests });
    const { embedDim, transformerWidth } = config;
    const width = transformerWidth ?? embedDim;
    const channels = requests.map(
      ({ name }) => this.image.backbone.levels.find((level) => level.name === name)?.channels ?? 0,
    );
    const widths = { image: [...channels, embedDim], text: [...channels, embedDim].map(() => embedDim) };
    this.composer = new ComqueryComposer(
      widths,
      { ...config, width, ffnWidth: config.ffnWidth ?? 4 * width },
      random,
    );
  }

  compose(reference: ImageFeatures, { words, mask }: TextFeatures, pass: ForwardPass): Composition {
    const maps = mapsOf(reference);
    const texts = maps.map(() => words);
    const { embedding, parts } = sideBySide(this.composer.query(maps, texts, mask, pass));
    return { q: embedding, parts };
  }

  override embedTarget(features: ImageFeatures, _pass: ForwardPass): TargetEmbedding {
    return sideBySide(this.composer.target(mapsOf(features)));
  }

  override losses({ composition, targetEmbedding }: BatchFeatures): readonly LossPart[] {
    return Object.entries(composition.parts ?? {}).map(([name, q]) => {
      const value = dotClassificationLoss(q, targetEmbedding.parts?.[name] as Value);
      return { name, weight: 1, value };
    });
  }
}

/** Low to high. */
function mapsOf({ levels, regions, rows, columns }: ImageFeatures): readonly Regions[] {
  return [...levels, { regions, rows, columns }];
}

/** Parts `global0`, `local0`, `global1`, ... each [B, ..], and all of them as one vector. */
function sideBySide(levels: readonly LevelParts[]): { readonly embedding: Value; readonly parts: Parts } {
  const named = levels.flatMap(({ global, local }, l) => [
    [`global${l}`, global] as const,
    [`local${l}`, flat(local)] as const,
  ]);
  return {
    embedding: concat(
      named.map(([, part]) => part),
      { axis: 1 },
    ),
    parts: Object.fromEntries(named),
  };
}

/** [B, R, H] -> [B, R · H] */
export function flat(regions: Value): Value {
  const [batch = 0] = regions.shape;
  return reshape(regions, [batch, regions.dim(1) * regions.dim(2)]);
}

/** CE(q_i · t_j): the lengths are the parts' own. q, t [B, E] -> []. In float64, as `scaledSimilarity`. */
export function dotClassificationLoss(q: Value, t: Value): Value {
  return batchClassificationLoss(linear(cast(q, "float64"), cast(t, "float64")));
}
