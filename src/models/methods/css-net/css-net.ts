/** Css-Net: image compositors and text compositors on two levels, which vote. */
import { z } from "zod";
import type { Value } from "../../../engine/graph/value.js";
import { mean } from "../../../engine/ops/reduce.js";
import type { Random } from "../../../engine/tensor/random.js";
import type { ForwardPass } from "../../../nn/forward-pass.js";
import type { LossPart } from "../../../nn/losses/total.js";
import {
  type BatchFeatures,
  type Composition,
  CompositionModel,
  type TargetEmbedding,
} from "../../composition-model.js";
import type { ImageFeatures } from "../../image-encoder.js";
import { joinParts, type Parts } from "../../parts.js";
import type { TextFeatures } from "../../text-encoder.js";
import { CosmoComposer, cosmoSchema } from "../cosmo.js";
import { voteLosses } from "./losses.js";
import { type ByLevel, byLevel, CssNetVoters, voteWeights } from "./voters.js";

/** Its image compositors are CoSMo's, with the same field and the same refusals. */
export const cssNetSchema = z.strictObject(cosmoSchema.shape);

export type CssNetConfig = z.output<typeof cssNetSchema>;

/** Length of every part, as the authors': logits are 16 cosines, and the model's learned scale is not used. */
const partLength = 4;

/**
 * Css-Net (Zhang et al., KBS 2024, arXiv 2306.02092; XuZhang2/Css-Net @b727c28), with a reconstruction of CoSMo as its image
 * compositor, for K of layer4, layer3:
 *
 *   M_K = CosmoComposer_K(F_K, u_K)                    u_K, parts q_v and t_v of `CssNetVoters`
 *   score = S_image.layer4 + (S_image.layer3 + S_text.layer4 + S_text.layer3) / 2,   S_v = q_v · t_v
 *   L = `voteLosses`
 *
 * F_layer4 = X [B, N, D], F_layer3 [B, N_3, D], projected; words W [B, T, D], padding left out of their means. The embedding that
 * is stored joins the parts by `voteWeights`: q, t [B, 4D].
 */
export class CssNet extends CompositionModel {
  readonly composers: ByLevel<CosmoComposer>;
  readonly voters: CssNetVoters;

  constructor(config: CssNetConfig, vocabularySize: number, random: Random) {
    super(config, vocabularySize, random, { levels: [{ name: "layer3", isProjected: true }] });
    const width = config.embedDim;
    this.composers = byLevel(() => new CosmoComposer(width, width, random, config));
    this.voters = new CssNetVoters(
      { words: width, head: width, maps: byLevel(() => width), partLength },
      random,
    );
  }

  compose(features: ImageFeatures, text: TextFeatures, pass: ForwardPass): Composition {
    const maps = mapsOf(features);
    const sentences = this.voters.sentences(text, pass);
    const composed = byLevel((level) => this.composers[level].forward(maps[level], sentences[level]).map);
    const parts = this.voters.query({ reference: meansOf(maps), composed: meansOf(composed) }, text, pass);
    return { q: joinParts(parts, voteWeights), parts };
  }

  override embedTarget(features: ImageFeatures, _pass: ForwardPass): TargetEmbedding {
    const parts = this.voters.target(meansOf(mapsOf(features)));
    return { embedding: joinParts(parts, voteWeights), parts };
  }

  override losses({ composition, targetEmbedding }: BatchFeatures, _pass: ForwardPass): readonly LossPart[] {
    return voteLosses(composition.parts as Parts, targetEmbedding.parts as Parts);
  }
}

function mapsOf({ regions, levels: [layer3] }: ImageFeatures): ByLevel<Value> {
  return { layer4: regions, layer3: layer3?.regions as Value };
}

function meansOf(maps: ByLevel<Value>): ByLevel<Value> {
  return byLevel((level) => mean(maps[level], { axes: [1] }));
}
