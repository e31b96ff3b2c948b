/** Batch normalisation of feature maps. */
import type { Parameter, Value } from "../engine/graph/value.js";
import { add, multiply } from "../engine/ops/arithmetic.js";
import { full } from "../engine/ops/constant.js";
import { batchNormInference, batchNormTraining } from "../engine/ops/normalisation.js";
import type { ForwardPass } from "./forward-pass.js";
import { filled, parameter } from "./initial-values.js";
import { Module } from "./module.js";

const epsilon = 1e-5;
/** Share of the batch's statistics in the next running statistics. */
const momentum = 0.1;

/**
 * y = (x - mean) / sqrt(variance + 1e-5) · weight + bias for each channel. x [B, C, H, W] -> y [B, C, H, W].
 *
 * In training mean and (biased) variance are the batch's, and the running statistics move towards them:
 * running = 0.9 · running + 0.1 · batch, with the unbiased variance n / (n - 1) · variance, n = B · H · W.
 * In inference, and where statistics are frozen, the running ones are used. As torch.nn.BatchNorm2d.
 * @example
 * import { BatchNorm2d, ForwardPass, Input } from "sdfn/models";
 * const layer = new BatchNorm2d(3);
 * const x = new Input("x", "float32", [2, 3, 7, 7]);
 * console.log(layer.forward(x, ForwardPass.training()).shape); // [ 2, 3, 7, 7 ]
 */
export class BatchNorm2d extends Module {
  readonly weight: Parameter | undefined; // [C]
  readonly bias: Parameter | undefined; // [C]
  readonly running_mean: Parameter; // [C]
  readonly running_var: Parameter; // [C]

  /** @param options.affine false leaves `weight` and `bias` out: 1 and 0. */
  constructor(channels: number, { affine = true }: { readonly affine?: boolean } = {}) {
    super();
    this.weight = affine ? parameter([channels], filled(1)) : undefined;
    this.bias = affine ? parameter([channels], filled(0)) : undefined;
    this.running_mean = parameter([channels], filled(0), { isTrainable: false });
    this.running_var = parameter([channels], filled(1), { isTrainable: false });
  }

  forward(x: Value, pass: ForwardPass): Value {
    const { running_mean: mean, running_var: variance } = this;
    const weight = this.weight ?? full(mean.shape as [number], 1, mean.dtype);
    const bias = this.bias ?? full(mean.shape as [number], 0, mean.dtype);
    if (!pass.usesBatchStatistics) {
      return batchNormInference(x, { mean, variance, weight, bias, epsilon });
    }
    const { y, batchMean, batchVariance } = batchNormTraining(x, { weight, bias, epsilon });
    const count = x.dim(0) * x.dim(2) * x.dim(3);
    const unbiased = count / Math.max(count - 1, 1);
    this.#move(mean, batchMean, momentum, pass);
    this.#move(variance, batchVariance, momentum * unbiased, pass);
    return y;
  }

  #move(running: Parameter, batch: Value, share: number, pass: ForwardPass): void {
    const kept = multiply(pass.currentValue(running), 1 - momentum);
    pass.updateBuffer(running, add(kept, multiply(batch, share)));
  }
}
