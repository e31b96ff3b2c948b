/** The parameters of a run, with a checksum of them and of the words that they belong to. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Tensor } from "../engine/tensor/tensor.js";
import { RunError, StateDictError } from "../errors.js";
import { readSafetensors, writeSafetensors } from "../tensor-files/safetensors.js";
import { type RunManifest, runFiles } from "./run-files.js";

/** Name of the checksum among the file's remarks; runs of older versions have none. */
const checksum = "sha256";

/** Writes `parameters.safetensors` whole or not at all. @throws EnvironmentError when the disk is full or not writable. */
export function writeParameters(
  runDir: string,
  tensors: ReadonlyMap<string, Tensor>,
  { model, step }: { readonly model: string; readonly step: number },
): void {
  writeSafetensors(join(runDir, runFiles.parameters), tensors, {
    model,
    step: String(step),
    [checksum]: sumOf(runDir, tensors),
  });
}

/**
 * Reads `parameters.safetensors`.
 * @throws RunError when there is none, or when it or the vocabulary is not as it was written; WeightsError when it
 *   cannot be read.
 */
export function readParameters(runDir: string): ReadonlyMap<string, Tensor> {
  const file = join(runDir, runFiles.parameters);
  if (!existsSync(file)) {
    throw new RunError(
      `${runDir}: ${runFiles.parameters} is missing, no epoch was finished; train again into another folder`,
    );
  }
  const { tensors, metadata } = readSafetensors(file);
  const written = metadata[checksum];
  if (written !== undefined && written !== sumOf(runDir, tensors)) {
    throw new RunError(
      `${file}: is damaged, or ${runFiles.vocabulary} beside it is: the checksum is another; ` +
        "restore both from a copy of the run, or train anew",
    );
  }
  return tensors;
}

/**
 * Does what loads the parameters of a run, and explains why they do not fit: a model may have other layers in another version.
 * @throws StateDictError that names the run, the program that trained it, and every difference.
 */
export function loadingParametersOf<T>(
  runDir: string,
  { commit, config }: Pick<RunManifest, "commit" | "config">,
  load: () => T,
): T {
  try {
    return load();
  } catch (cause) {
    if (!(cause instanceof StateDictError)) throw cause;
    throw new StateDictError(
      `${runDir}: was trained by ${commit}, whose model ${config.model} had other layers than this version's; ` +
        `open it with that version, or train anew into another folder; CHANGELOG.md says what changed\n${cause.message}`,
      { cause },
    );
  }
}

/** SHA-256 of the vocabulary's file and all tensors, in their order. */
function sumOf(runDir: string, tensors: ReadonlyMap<string, Tensor>): string {
  const hash = createHash("sha256").update(readFileSync(join(runDir, runFiles.vocabulary)));
  for (const [name, { dtype, shape, data }] of tensors) {
    hash.update(JSON.stringify([name, dtype, shape]));
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}
