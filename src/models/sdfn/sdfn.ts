/** SDFN: the whole model. */

import { add } from "../../engine/ops/arithmetic.js";
import type { Random } from "../../engine/tensor/random.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { type AuxiliaryLosses, type Composition, CompositionModel } from "../composition-model.js";
import type { ImageFeatures } from "../image-encoder.js";
import type { TextFeatures } from "../text-encoder.js";
import type { SdfnConfig } from "./config.js";
import { FusionNetwork } from "./fusion-network.js";

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

  override get auxiliaryLosses(): AuxiliaryLosses {
    const { lambda1, lambda2, tau, routerMerge, routerSoftmax, distillationMean, consistencyForm } =
      this.#config;
    const distillation = {
      weight: lambda1,
      tau,
      merge: routerMerge,
      over: routerSoftmax,
      meanOver: distillationMean,
    };
    return {
      ...(lambda1 > 0 ? { distillation } : {}),
      ...(lambda2 > 0 ? { consistency: { weight: lambda2, form: consistencyForm } } : {}),
    };
  }

  compose({ regions }: ImageFeatures, text: TextFeatures, pass: ForwardPass): Composition {
    const { q, u, routes, logits, wordAttention } = this.fusion.forward(regions, text, pass);
    return { q: this.#config.sentenceSkip ? add(q, text.sentence) : q, u, routes, logits, wordAttention };
  }
}
