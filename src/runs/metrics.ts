/** What a training run records about itself, one JSON object a line in `metrics.jsonl`. */

/** Parts of the loss (eq. 7); those a model does not have are 0. */
export interface LossParts {
  /** What is minimised: classification + lambda1 · distillation + lambda2 · consistency. */
  readonly total: number;
  /** Batch-based classification, L_bbc. */
  readonly classification: number;
  /** Self path distillation, L_spd. */
  readonly distillation: number;
  /** Consistency, L_c. */
  readonly consistency: number;
}

/** One optimizer step. */
export interface StepMetrics {
  readonly kind: "step";
  /** Counted over the whole run, from 1. */
  readonly step: number;
  /** From 1. */
  readonly epoch: number;
  readonly loss: LossParts;
  /** L2 norm of all gradients before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** Images (references and targets) per second of this step. */
  readonly imagesPerSecond: number;
}

/** The end of an epoch. */
export interface EpochMetrics {
  readonly kind: "epoch";
  readonly epoch: number;
  readonly step: number;
  /** Mean loss parts over the epoch's steps. */
  readonly loss: LossParts;
  /** Recall on triplets held out of the training split, mean over categories, percent; absent without a hold-out. */
  readonly validation?: {
    readonly r1: number;
    readonly r10: number;
    readonly r50: number;
    readonly queries: number;
    readonly gallery: number;
  };
  /**
   * Per fusion layer, the mean over queries and destinations of the route weights' entropy / ln M, 0 to 1; the queries are
   * the held-out ones, or some that are trained on where none are held out.
   */
  readonly routerEntropy?: readonly number[];
  /** Per fusion layer, the mean route weight of each operation module, over the same. */
  readonly routeWeights?: readonly (readonly number[])[];
  /** What looked wrong at the end of this epoch, in words; absent when nothing did. */
  readonly warnings?: readonly string[];
  readonly seconds: number;
}

export type Metrics = StepMetrics | EpochMetrics;
