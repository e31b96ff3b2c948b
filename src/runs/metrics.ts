/** What a training run records about itself, one JSON object a line in `metrics.jsonl`. */

/**
 * A loss as numbers: what is minimised, then its parts by name before their weights, in the order in which the model
 * states them. Runs of older versions have zeros for parts that their model does not have.
 */
export type LossValues = Readonly<Record<string, number>> & { readonly total: number };

/** The parts without their sum, in order. */
export function lossParts({ total: _, ...parts }: LossValues): [name: string, value: number][] {
  return Object.entries(parts);
}

/** One optimizer step. */
export interface StepMetrics {
  readonly kind: "step";
  /** Counted over the whole run, from 1. */
  readonly step: number;
  /** From 1. */
  readonly epoch: number;
  readonly loss: LossValues;
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
  /** Mean losses over the epoch's steps. */
  readonly loss: LossValues;
  /** Recall on triplets held out of the training split, mean over categories, percent; absent without a hold-out. */
  readonly validation?:
    | {
        readonly r1: number;
        readonly r10: number;
        readonly r50: number;
        readonly queries: number;
        readonly gallery: number;
      }
    | undefined;
  /**
   * Per fusion layer, the mean over queries and destinations of the route weights' entropy / ln M, 0 to 1; the queries are
   * the held-out ones, or some that are trained on where none are held out.
   */
  readonly routerEntropy?: readonly number[];
  /** Per fusion layer, the mean route weight of each operation module, over the same. */
  readonly routeWeights?: readonly (readonly number[])[];
  /** What looked wrong at the end of this epoch, in words; absent when nothing did. */
  readonly warnings?: readonly string[] | undefined;
  readonly seconds: number;
}

export type Metrics = StepMetrics | EpochMetrics;
