/** The public surface `sdfn/training`: data sets, runs, evaluation, export. Re-exports only. */

export { exportBundle } from "../bundle/export-bundle.js";
export { type DatasetName, openDataset } from "../data/datasets/open-dataset.js";
export {
  type CatalogueSummary,
  type GenerateSettings,
  generateCatalogue,
} from "../data/synthetic/generate.js";
export type { SyntheticOptions } from "../data/synthetic/options.js";
export type { DatasetSplit, RetrievalDataset, SplitName, Triplet } from "../data/triplet.js";
export { type Protocol, protocolFor } from "../evaluation/protocols.js";
export type { EvaluationResult } from "../evaluation/result.js";
export { type EvaluateRunOptions, evaluateRun } from "../experiments/evaluate-run.js";
export { openRun, type Run } from "../runs/open-run.js";
export { type ConfigSources, type RunConfig, resolveRunConfig } from "../runs/run-config.js";
export {
  type ResumeOptions,
  resumeTraining,
  type TrainEvent,
  type TrainOptions,
  type TrainSummary,
  train,
} from "../training/train.js";
