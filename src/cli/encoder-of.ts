/** The model of an index or a search: the only place that knows how models are stored. */
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Encoder } from "../retrieval/encoder.js";
import { runFiles } from "../training/run-files.js";
import { openRunEncoder } from "./run-encoder.js";

/** A trained run, or a model that was exported from one. */
export type ModelSource = { readonly run: string } | { readonly bundle: string };

/** Opens a model. @throws RunError and others when it is missing or damaged. */
export async function encoderOf(source: ModelSource): Promise<Encoder> {
  return openRunEncoder("run" in source ? source.run : source.bundle);
}

/** Copies what searching needs of a model into a folder that `encoderOf` opens as a bundle. */
export async function installModel(source: ModelSource, bundleFolder: string): Promise<void> {
  const from = "run" in source ? source.run : source.bundle;
  await mkdir(bundleFolder, { recursive: true });
  for (const name of [runFiles.manifest, runFiles.vocabulary, runFiles.parameters]) {
    await cp(join(from, name), join(bundleFolder, name));
  }
}
