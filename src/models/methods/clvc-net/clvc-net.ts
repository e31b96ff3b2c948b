/** CLVC-Net: a local and a global way of composing that teach each other. */
import { z } from "zod";
import type { Parameter, Value } from "../../../engine/graph/value.js";
import type { Random } from "../../../engine/tensor/random.js";
import type { ForwardPass } from "../../../nn/forward-pass.js";
import { filled, parameter } from "../../../nn/initial-values.js";
import type { LossPart } from "../../../nn/losses/total.js";
import { backboneDefinition } from "../../backbones/registry.js";
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

/** What is wrong with fields that are right one by one: the branches of convolutions are shares of a width. */
export function refusedClvcNet({
  embedDim,
  mapInput,
  backbone,
  backboneWidth,
}: Partial<ClvcNetConfig>): readonly string[] {
  if (embedDim === undefined || mapInput === undefined) return [];
  const isRaw = mapInput === "raw";
  const divisor = isRaw ? 8 : 16;
  const problems: string[] = [];
  if (embedDim % divisor !== 0) {
    problems.push(
      `embedDim: must be a multiple of ${divisor} with mapInput ${mapInput}; got ${embedDim}; ` +
        `set it to ${divisor * Math.ceil(embedDim / divisor)}`,
    );
  }
  if (!isRaw || backbone === undefined || backboneWidth === undefined) return problems;
  const channels = backboneDefinition(backbone).levels({ backboneWidth }).at(-1)?.channels ?? 0;
  if (channels % 16 !== 0) {
    problems.push(
      `mapInput: raw needs a last map of a multiple of 16 channels; got ${channels} of ${backbone} at backboneWidth ` +
        `${backboneWidth}; set mapInput to projected, or another backboneWidth`,
    );
  }
  return problems;
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

  constructor(config: ClvcNetConfig, vocabularySize: number, random: Random) {
    const isRaw = config.mapInput === "raw";
    super(config, vocabularySize, random, { levels: isRaw ? ["last"] : [] });
    const channels = isRaw ? this.image.backbone.lastLevel.channels : config.embedDim;
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
