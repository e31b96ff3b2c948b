/** The public surface `sdfn/models`: all that a file with a model of your own needs. Re-exports only. */

export { z } from "zod";
export { gradients } from "../engine/autodiff/gradients.js";
export { type Constant, Input, Parameter, type TensorType, type Value } from "../engine/graph/value.js";
export { gelu, leakyRelu, power, quickGelu, silu, softplus, tanhGelu } from "../engine/ops/activations.js";
export {
  add,
  divide,
  maximum,
  multiply,
  negate,
  type Operand,
  subtract,
} from "../engine/ops/arithmetic.js";
export { equal, less, lessOrEqual, not, where } from "../engine/ops/comparison.js";
export { cast, constant, full, stopGradient } from "../engine/ops/constant.js";
export { erf, exp, log, relu, sigmoid, sqrt, square, tanh } from "../engine/ops/elementwise.js";
export { gather } from "../engine/ops/gather.js";
export { matmul } from "../engine/ops/matmul.js";
export { l2Normalise } from "../engine/ops/normalisation.js";
export { max, mean, sum } from "../engine/ops/reduce.js";
export { repeatForBatch } from "../engine/ops/repeat.js";
export {
  broadcastTo,
  concat,
  expandDims,
  pad,
  reshape,
  slice,
  transpose,
  transposeLast,
} from "../engine/ops/shape.js";
export { logSoftmax, softmax } from "../engine/ops/softmax.js";
export { runOnce } from "../engine/runtime/session.js";
export { Random } from "../engine/tensor/random.js";
export { float32, int64, type Tensor, tensor } from "../engine/tensor/tensor.js";
export {
  type BatchFeatures,
  type Composition,
  CompositionModel,
  type PairScoring,
  type TargetEmbedding,
  type TeacherSignal,
} from "../models/composition-model.js";
export type { EncoderConfig } from "../models/encoder-config.js";
export type { ImageFeatures, LevelFeatures, LevelRequest } from "../models/image-encoder.js";
export { loadModelFile } from "../models/load-model-file.js";
export { defineModel, type ModelDefinition, type OwnModel } from "../models/model-definition.js";
export { joinParts, type Parts } from "../models/parts.js";
export type { TextFeatures } from "../models/text-encoder.js";
export { AttentionBlock } from "../nn/attention-block.js";
export { BatchNorm1d } from "../nn/batch-norm1d.js";
export { BatchNorm2d } from "../nn/batch-norm2d.js";
export { Conv1d } from "../nn/conv1d.js";
export { Conv2d } from "../nn/conv2d.js";
export { Embedding } from "../nn/embedding.js";
export { ForwardPass } from "../nn/forward-pass.js";
export { generalisedMean } from "../nn/generalised-mean.js";
export { filled, normal, parameter, uniform, xavierUniform } from "../nn/initial-values.js";
export { LayerNorm } from "../nn/layer-norm.js";
export { Linear } from "../nn/linear.js";
export { batchClassificationLoss, classificationPart } from "../nn/losses/batch-classification.js";
export { scaledSimilarity } from "../nn/losses/similarity.js";
export type { LossPart } from "../nn/losses/total.js";
export { Lstm } from "../nn/lstm.js";
export { Module } from "../nn/module.js";
export { MultiHeadAttention } from "../nn/multi-head-attention.js";
export { ProjectedAttention } from "../nn/projected-attention.js";
export { softmaxPool } from "../nn/softmax-pool.js";
