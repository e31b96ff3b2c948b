/** Opens a trained run. */
import { join } from "node:path";
import { Random } from "../engine/tensor/random.js";
import type { CompositionModel } from "../models/composition-model.js";
import { createModel } from "../models/registry.js";
import { requireFloat32 } from "../tensor-files/safetensors.js";
import { Vocabulary } from "../text/vocabulary.js";
import { type RunConfig, resolveRunConfig } from "./run-config.js";
import { type RunManifest, readManifest, readPhrases, runFiles } from "./run-files.js";
import { requireModelFile } from "./run-model.js";
import { loadingParametersOf, readParameters } from "./run-parameters.js";

/** A run folder's content. */
export interface Run {
  readonly runDir: string;
  readonly manifest: RunManifest;
  readonly config: RunConfig;
  readonly vocabulary: Vocabulary;
  /** Frequent modification phrases of the training texts, most frequent first; absent for runs of older versions. */
  readonly phrases?: readonly string[] | undefined;
  /** The model with the saved parameters. */
  readonly model: CompositionModel;
}

/**
 * Reads a run's configuration, vocabulary and parameters.
 * @throws RunError when something is missing, or not as it was written, a model file among it; StateDictError when its
 * model has other layers in this version; WeightsError, ConfigError when it is damaged.
 * @example
 * import { openRun } from "sdfn/training";
 * const { model, config, manifest } = openRun("runs/first");
 * console.log(config.model, manifest.status, model.parameters().length > 0); // sdfn complete true
 */
export function openRun(runDir: string): Run {
  const manifest = readManifest(runDir);
  requireModelFile(runDir, manifest);
  const config = resolveRunConfig({ file: manifest.config });
  const vocabulary = Vocabulary.load(join(runDir, runFiles.vocabulary));
  const parameters = readParameters(runDir);
  const model = createModel(config.model, config.modelConfig, {
    vocabularySize: vocabulary.size,
    random: new Random(0),
    imagePx: config.training.imagePx,
  });
  const values = requireFloat32(parameters, join(runDir, runFiles.parameters));
  loadingParametersOf(runDir, manifest, () => model.loadStateDict(values));
  return { runDir, manifest, config, vocabulary, phrases: readPhrases(runDir), model };
}
