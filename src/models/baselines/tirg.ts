/** Baseline: TIRG. */
import type { Random } from "../../engine/tensor/random.js";
import type { ForwardPass } from "../../nn/forward-pass.js";
import { type Composition, CompositionModel } from "../composition-model.js";
import type { EncoderConfig } from "../encoder-config.js";
import type { ImageFeatures } from "../image-encoder.js";
import type { TextFeatures } from "../text-encoder.js";
import { GatedResidual } from "./gated-residual.js";

/** TIRG (Vo et al., CVPR 2019): `GatedResidual` on the reference's embedding and the sentence, x, s [B, D] -> q [B, D]. */
export class Tirg extends CompositionModel {
  // The composition's own fields stand here too: saved parameters have its names without a prefix.
  readonly gateNorm: GatedResidual["gateNorm"];
  readonly gate: GatedResidual["gate"];
  readonly residualNorm: GatedResidual["residualNorm"];
  readonly residual1: GatedResidual["residual1"];
  readonly residual2: GatedResidual["residual2"];
  readonly gateWeight: GatedResidual["gateWeight"];
  readonly residualWeight: GatedResidual["residualWeight"];
  readonly #composition: GatedResidual;

  constructor(config: EncoderConfig, vocabularySize: number, random: Random) {
    super(config, vocabularySize, random);
    const composition = new GatedResidual(config.embedDim, random);
    this.gateNorm = composition.gateNorm;
    this.gate = composition.gate;
    this.residualNorm = composition.residualNorm;
    this.residual1 = composition.residual1;
    this.residual2 = composition.residual2;
    this.gateWeight = composition.gateWeight;
    this.residualWeight = composition.residualWeight;
    this.#composition = composition;
  }

  compose({ embedding }: ImageFeatures, { sentence }: TextFeatures, pass: ForwardPass): Composition {
    return { q: this.#composition.forward(embedding, sentence, pass) };
  }
}
