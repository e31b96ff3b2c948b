/** Loads a model from a user's file: the only place that runs code which is not the project's. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { ModelFileError, SdfnError } from "../errors.js";
import { isErrno } from "../files/errno.js";
import { sha256OfFileSync } from "../files/sha256.js";
import { ModelDefinition } from "./model-definition.js";
import { type ModelFile, registerModel } from "./registry.js";

/** A file and its SHA-256; nothing of it is run. @throws ModelFileError when it cannot be read. */
export function readModelFile(path: string): ModelFile {
  try {
    return { path, sha256: sha256OfFileSync(path) };
  } catch (cause) {
    const reason = isErrno(cause, "ENOENT")
      ? "there is no such file"
      : `the file cannot be read; got ${cause}`;
    throw new ModelFileError(`${path}: ${reason}; give a module whose default export is a defineModel(...)`, {
      cause,
    });
  }
}

/**
 * Runs a user's file and makes its model known in this process, so that a configuration may name it. One process has one
 * model of a name.
 * @returns the model's name.
 * @throws ModelFileError when the file is missing, does not run, exports no model, or its name is taken.
 * @example
 * import { loadModelFile } from "sdfn/models";
 * import { resolveRunConfig } from "sdfn/training";
 * const model = await loadModelFile("./gated-fusion.mjs");
 * const { modelConfig } = resolveRunConfig({ model, set: ["openGate=0.2"] });
 * console.log(model, modelConfig.openGate); // gated-fusion 0.2
 */
export async function loadModelFile(path: string): Promise<string> {
  const file = readModelFile(path);
  // Node.js keeps a module by its address; with the hash in it, it is the content that was hashed.
  const address = pathToFileURL(resolve(path));
  address.searchParams.set("sha256", file.sha256);
  let exported: Readonly<Record<string, unknown>>;
  try {
    exported = await import(address.href);
  } catch (cause) {
    throw cause instanceof SdfnError
      ? new ModelFileError(`${path}: ${cause.message}`, { cause })
      : new ModelFileError(`${path}: the file does not run; got ${cause}; ${nextStep(cause)}`, { cause });
  }
  const definition = exported.default;
  if (!(definition instanceof ModelDefinition))
    throw new ModelFileError(`${path}: ${whatIsWrong(definition)}`);
  registerModel(definition, file);
  return definition.name;
}

function nextStep(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : "";
  return /Cannot find package 'sdfn'/.test(message)
    ? "install the package in the folder of the file: npm install sdfn"
    : "try it with: node FILE";
}

function whatIsWrong(exported: unknown): string {
  const isOfAnotherCopy =
    typeof exported === "object" && exported !== null && exported.constructor.name === ModelDefinition.name;
  return isOfAnotherCopy
    ? "imports another copy of sdfn than the one that runs; use the one that the file sees: npx sdfn, in its folder"
    : `its default export must be what defineModel of "sdfn/models" gives; got ${exported === undefined ? "none" : typeof exported}`;
}
