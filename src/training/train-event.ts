/** Events of a training run, for whoever shows its progress. */

import type { EpochMetrics, StepMetrics } from "../runs/metrics.js";
import type { FeatureProgress } from "./frozen-features.js";
import type { MemoryNeeds } from "./memory-estimate.js";

/** What happens during training, in order. */
export type TrainEvent =
  /** Images that were looked at, before anything else. */
  | { readonly kind: "images"; readonly done: number; readonly total: number }
  | {
      readonly kind: "start";
      /** Steps done before; above 0 when a run is resumed. */
      readonly step: number;
      readonly totalSteps: number;
      readonly stepsPerEpoch: number;
      readonly triplets: number;
      readonly heldOut: number;
      /** What memory is needed for, and the peak that is estimated from it. */
      readonly memory: MemoryNeeds;
      readonly memoryBytes: number;
      readonly vocabulary: number;
      readonly parameters: number;
    }
  | { readonly kind: "note"; readonly text: string }
  | FeatureProgress
  | StepMetrics
  | EpochMetrics;
