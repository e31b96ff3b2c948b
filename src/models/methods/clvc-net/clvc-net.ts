/** CLVC-Net: a local and a global way of composing that teach each other. */
import { z } from "zod";
import type { Parameter, Value } from "../../../engine/graph/value.js";
import type { Random } from "../../../engine/tensor/random.js";
import { ConfigError } from "../../../errors.js";
import type { ForwardPass } from "../../../nn/forward-pass.js";
import { filled, parameter } from "../../../nn/initial-values.js";
import type { LossPart } from "../../../nn/losses/total.js";
import {
  type BatchFeatures,
  type Composition,
  CompositionModel,
  type TargetEmbedding,
} from "../../composition-model.js";
import { encoderFields } from "../../encoder-config.js";
import type { ImageFeatures } from "../../image-encoder.js";
import { joinParts } from "../../parts.js";
import type { TextFeatures } from "../../text-encoder.js";
import { GlobalBranch, LocalBranch, type PositionedMap } from "./branch.js";
import { clvcLosses } from "./losses.js";

export const clvcNetSchema = z.strictObject({
  ...encoderFields,
  /** Choice. The map F: regions of D channels, or the backbone's last map before its projection, as the authors take it. */
  mapInput: z.enum(["projected", "raw"]).default("projected"),
});

/** A complete configuration. */
export type ClvcNetConfig = z.output<typeof clvcNetSchema>;

/** What is wrong with fields that are right one by one. */
export function refusedClvcNetCombinations({ embedDim = 16, mapInput }: Partial<ClvcNetConfig>): string[] {
  const divisor = mapInput === "raw" ? 8 : 16;
  if (embedDim % divisor === 0) return [];
  return [
    `embedDim: CLVC-Net's branches need a multiple of ${divisor} with mapInput ${mapInput ?? "projected"}; got ${embedDim}; ` +
      `set it to ${divisor * Math.max(1, Math.round(embedDim / divisor))}`,
  ];
}

/** Both branches count alike: the mean of their cosines ranks. */
const partWeights = { local: 1, global: 1 } as const;

type BranchParts = Readonly<Record<keyof typeof partWeights, Value>>;

/** A composition that keeps Y of the local branch for the losses. */
interface ClvcComposition extends Composition {
  readonly parts: BranchParts;
  readonly composedMap: Value;
}

interface ClvcTarget extends TargetEmbedding {
  readonly parts: BranchParts;
}

/**
 * Comprehensive linguistic-visual composition (Wen et al., SIGIR 2021; the authors' code at bd9b688): a local branch that
 * composes the text with each region, a global one that composes the picture with each word, see `LocalBranch` and
 * `GlobalBranch`, and losses by which either follows the other, see `clvcLosses`.
 *
 *   q = [unit q_L ; unit q_G],  t = [unit t_L ; unit t_G]     [B, 2D]
 *
 * Choice: both branches have one pair of encoders, as every model here has; the authors' have one each, at twice the cost.
 */
export class ClvcNet extends CompositionModel {
  readonly local: LocalBranch;
  readonly global: GlobalBranch;
  /** Scale of the global branch; the local one's is `scale`: []. */
  readonly globalScale: Parameter;
  readonly #isRaw: boolean;

  /** @throws ConfigError when the raw map's channels do not divide by 16. */
  constructor(
    config: ClvcNetConfig,
    vocabularySize: number,
    random: Random,
    { backbone }: ModelOptions = {},
  ) {
    const isRaw = config.mapInput === "raw";
    super(config, vocabularySize, random, { levels: isRaw ? ["last"] : [] });
    const channels = isRaw ? this.image.backbone.lastLevel.channels : config.embedDim;
    if (channels % 16 !== 0) {
      throw new ConfigError(
        `mapInput: the backbone's last map must have a multiple of 16 channels; got ${channels} of ${config.backbone} at ` +
          `backboneWidth ${config.backboneWidth}; set mapInput to projected, or another backboneWidth`,
      );
    }
    const sizes = { channels, width: config.embedDim };
    this.local = new LocalBranch(sizes, random);
    this.global = new GlobalBranch(sizes, random);
    this.globalScale = parameter([], filled(config.initialScale));
    this.#isRaw = isRaw;
  }

  compose(reference: ImageFeatures, text: TextFeatures, pass: ForwardPass): ClvcComposition {
    const map = this.#mapOf(reference);
    const local = this.local.compose(map, text, pass);
    const global = this.global.compose(map, text, pass);
    const parts = { local: local.q, global: global.q };
    return { q: joinParts(parts, partWeights), parts, composedMap: local.composed };
  }

  override embedTarget(features: ImageFeatures): ClvcTarget {
    const map = this.#mapOf(features);
    const parts = { local: this.local.embedTarget(map), global: this.global.embedTarget(map) };
    return { embedding: joinParts(parts, partWeights), parts };
  }

  override losses({ composition, target, targetEmbedding }: BatchFeatures): readonly LossPart[] {
    const { parts: q, composedMap } = composition as ClvcComposition;
    const { parts: t } = targetEmbedding as ClvcTarget;
    return clvcLosses(
      {
        local: { q: q.local, t: t.local, scale: this.scale },
        global: { q: q.global, t: t.global, scale: this.globalScale },
      },
      { composed: composedMap, target: this.#mapOf(target).regions },
    );
  }

  #mapOf(features: ImageFeatures): PositionedMap {
    const [raw = features] = features.levels;
    return this.#isRaw ? raw : features;
  }
}
