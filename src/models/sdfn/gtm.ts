/** Global transformation module (section 2.2). */
import type { Value } from "../../engine/graph/value.js";
import { add, multiply } from "../../engine/ops/arithmetic.js";
import { expandDims } from "../../engine/ops/shape.js";
import type { Random } from "../../engine/tensor/random.js";
import { Linear } from "../../nn/linear.js";
import type { TextFeatures } from "../text-encoder.js";
import type { SdfnConfig } from "./config.js";
import { type ModuleOutput, OperationModule } from "./operation-module.js";

/**
 * GTM: the sentence scales and shifts every feature, alike at all regions.
 *
 *   gamma = s · Wgᵀ + bg,   beta = s · Wbᵀ + bb
 *   GTM(X) = gamma · X + beta
 *
 * X [B, N, D] regions, s [B, D] sentence -> [B, N, D]. The biases start at 1 and 0 (`gammaBias`, `betaBias`).
 */
export class GlobalTransformModule extends OperationModule {
  readonly gamma: Linear;
  readonly beta: Linear;

  constructor({ embedDim, gammaBias, betaBias }: SdfnConfig, random: Random) {
    super();
    this.gamma = new Linear(embedDim, embedDim, random);
    this.beta = new Linear(embedDim, embedDim, random);
    this.gamma.bias?.data.fill(gammaBias);
    this.beta.bias?.data.fill(betaBias);
  }

  forward(regions: Value, { sentence }: TextFeatures): ModuleOutput {
    const gamma = expandDims(this.gamma.forward(sentence), 1); // [B, 1, D]
    const beta = expandDims(this.beta.forward(sentence), 1);
    return { y: add(multiply(gamma, regions), beta) };
  }
}
