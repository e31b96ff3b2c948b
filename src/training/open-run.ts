/** Opens a trained run. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Vocabulary } from "../data/vocabulary.js";
import { RunError, WeightsError } from "../errors.js";
import type { CompositionModel } from "../models/composition-model.js";
import { createModel } from "../models/registry.js";
import { Random } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import { readSafetensors } from "../weights/safetensors.js";
import { type RunConfig, resolveRunConfig } from "./run-config.js";
import { type RunManifest, readManifest, runFiles } from "./run-files.js";

/** A run folder's content. */
export interface Run {
  readonly runDir: string;
  readonly manifest: RunManifest;
  readonly config: RunConfig;
  readonly vocabulary: Vocabulary;
  /** The model with the saved parameters. */
  readonly model: CompositionModel;
}

/**
 * Reads a run's configuration, vocabulary and parameters.
 * @throws RunError when something is missing; WeightsError, StateDictError, ConfigError when it is damaged.
 */
export function openRun(runDir: string): Run {
  const manifest = readManifest(runDir);
  const config = resolveRunConfig({ file: manifest.config });
  const vocabulary = Vocabulary.load(join(runDir, runFiles.vocabulary));
  const file = join(runDir, runFiles.parameters);
  if (!existsSync(file)) {
    throw new RunError(
      `${runDir}: ${runFiles.parameters} is missing, no epoch was finished; train again into another folder`,
    );
  }
  const model = createModel(config.model, config.modelConfig, {
    vocabularySize: vocabulary.size,
    random: new Random(0),
  });
  const { tensors } = readSafetensors(file);
  const parameters = new Map<string, Tensor<"float32">>();
  for (const [name, tensor] of tensors) {
    if (tensor.dtype !== "float32")
      throw new WeightsError(`${file}: tensor "${name}" must be float32; got ${tensor.dtype}`);
    parameters.set(name, tensor as Tensor<"float32">);
  }
  model.loadStateDict(parameters);
  return { runDir, manifest, config, vocabulary, model };
}
