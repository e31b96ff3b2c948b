/** Opens a trained run. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Vocabulary } from "../text/vocabulary.js";
import { RunError } from "../errors.js";
import type { CompositionModel } from "../models/composition-model.js";
import { createModel } from "../models/registry.js";
import { Random } from "../engine/tensor/random.js";
import { readSafetensors, requireFloat32 } from "../weights/safetensors.js";
import { type RunConfig, resolveRunConfig } from "./run-config.js";
import { type RunManifest, readManifest, readPhrases, runFiles } from "./run-files.js";

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
  model.loadStateDict(requireFloat32(tensors, file));
  return { runDir, manifest, config, vocabulary, phrases: readPhrases(runDir), model };
}
