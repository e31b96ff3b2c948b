/** SDFN: the whole model. */

import type { Value } from "../../engine/graph/value.js";
import { add, multiply } from "../../engine/ops/arithmetic.js";
import type { Random } from "../../engine/tensor/random.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { classificationPart } from "../../nn/losses/batch-classification.js";
import { consistencyPart } from "../../nn/losses/consistency.js";
import { distillationPart } from "../../nn/losses/path-distillation.js";
import { scaledSimilarity } from "../../nn/losses/similarity.js";
import type { LossPart } from "../../nn/losses/total.js";
import {
  type BatchFeatures,
  type ComposedFeatures,
  type Composition,
  CompositionModel,
} from "../composition-model.js";
import type { ImageFeatures } from "../image-encoder.js";
import type { TextFeatures } from "../text-encoder.js";
import type { SdfnConfig } from "./config.js";
import { FusionNetwork } from "./fusion-network.js";
import type { Router } from "./router.js";

/**
 * Self-distilled dynamic fusion network (Wu et al., ICASSP 2024, arXiv 2405.15451): X and W from the encoders, the
 * fusion network on them, q = mean over the regions of the fused map. `sentenceSkip` makes that q + s.
 */
export class Sdfn extends CompositionModel {
  readonly fusion: FusionNetwork;
  readonly #config: SdfnConfig;

  /** @param config complete and checked, as `parseSdfnConfig` gives it. */
  constructor(config: SdfnConfig, vocabularySize: number, random: Random) {
    super(config, vocabularySize, random);
    this.fusion = new FusionNetwork(config, random);
    this.#config = config;
  }

  override get isSelfDistilled(): boolean {
    return this.#config.lambda1 > 0;
  }

  /** L = L_bbc + lambda1 · L_spd + lambda2 · L_c (eq. 7); what has weight 0 is left out. */
  override losses({ composition, targetEmbedding, teacher }: BatchFeatures): readonly LossPart[] {
    const { lambda1, lambda2, tau, consistencyForm } = this.#config;
    const { routerMerge: merge, routerSoftmax: over, distillationMean: meanOver } = this.#config;
    const { q, u, logits = [] } = composition;
    const { embedding: t } = targetEmbedding;
    const student = logits.filter((layer) => Object.keys(layer).length > 0);
    const ofQ = scaledSimilarity(q, t, this.scale);
    const parts = [classificationPart(ofQ)];
    if (lambda1 > 0 && teacher && student.length > 0) {
      const weight = teacher.factor ? multiply(teacher.factor, lambda1) : lambda1;
      parts.push(distillationPart(student, teacher.logits, { weight, tau, merge, over, meanOver }));
    }
    if (lambda2 > 0 && u) {
      const ofU = scaledSimilarity(u, t, this.scale);
      parts.push(consistencyPart(ofQ, ofU, { weight: lambda2, form: consistencyForm }));
    }
    return parts;
  }

  override get routers(): readonly Router[] {
    return this.fusion.layers.flatMap((layer) => [
      ...layer.image_routers,
      ...layer.text_routers,
      ...layer.shared_routers,
    ]);
  }

  compose(reference: ImageFeatures, text: TextFeatures, pass: ForwardPass): Composition {
    return this.composeAlong([], { reference, text }, pass);
  }

  override composeAlong(
    given: readonly Value[],
    { reference: { regions }, text }: ComposedFeatures,
    pass: ForwardPass,
  ): Composition {
    const { q, u, routes, logits, wordAttention } = this.fusion.forward(regions, text, pass, given);
    return { q: this.#config.sentenceSkip ? add(q, text.sentence) : q, u, routes, logits, wordAttention };
  }
}
