/** A run's own model: loaded only from a file that the caller names, and only when it is the one that was trained. */
import { RunError, UsageError } from "../errors.js";
import { loadModelFile, readModelFile } from "../models/load-model-file.js";
import { type ModelFile, modelFileOf } from "../models/registry.js";
import { type RunManifest, readManifest } from "./run-files.js";

/**
 * Loads the file of a run's own model. The hash is compared first: a changed file is not run. What a run folder says is
 * never run by itself, for it may come from somebody else.
 * @param path the file as the caller named it; undefined where none was named.
 * @throws RunError when the run needs a file and none is named, or another one; UsageError when it needs none;
 * ModelFileError when the file is missing or does not run.
 */
export async function loadRunModel(runDir: string, path: string | undefined): Promise<void> {
  const manifest = readManifest(runDir);
  const { modelFile, config } = manifest;
  if (path === undefined) return requireModelFile(runDir, manifest);
  if (!modelFile) {
    throw new UsageError(
      `--model: the run has the project's model ${config.model}; got ${path}; leave it out`,
    );
  }
  requireSameFile(runDir, modelFile, readModelFile(path));
  await loadModelFile(path);
}

/** @throws RunError when a run has a model of its own and its file is not loaded, or another one. */
export function requireModelFile(runDir: string, { modelFile, config }: RunManifest): void {
  if (!modelFile) return;
  const loaded = modelFileOf(String(config.model));
  if (loaded) {
    requireSameFile(runDir, modelFile, loaded);
    return;
  }
  const { path, sha256 } = modelFile;
  throw new RunError(
    `${runDir}: its model is a file of its own, which runs as code and is loaded only when you name it; ` +
      `got ${path} with SHA-256 ${sha256} in the run; look at the file, then give --model ${path}`,
  );
}

function requireSameFile(runDir: string, trained: ModelFile, given: ModelFile): void {
  if (given.sha256 === trained.sha256) return;
  throw new RunError(
    `${runDir}: was trained with another model file; got ${given.path} with SHA-256 ${given.sha256}, ` +
      `the run has ${trained.path} with SHA-256 ${trained.sha256}; put back the file as it was, or train anew`,
  );
}
