/** The model of an index or a search: the only place that knows how models are stored. */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportBundle } from "../../bundle/export-bundle.js";
import { openBundle } from "../../bundle/open-bundle.js";
import type { Encoder } from "../../embedding/encoder.js";
import { openRun } from "../../runs/open-run.js";
import { loadRunModel } from "../../runs/run-model.js";

/** A trained run, or a model that was exported from one. */
export type ModelSource =
  | { readonly run: string; readonly modelFile?: string | undefined }
  | { readonly bundle: string };

export interface OpenedModel {
  readonly encoder: Encoder;
  /** Puts a copy of the model into a folder that does not exist yet. */
  install(bundleFolder: string): Promise<void>;
  close(): Promise<void>;
}

/** Pictures computed at once while a catalogue is indexed. */
const maxBatch = 16;

/** Opens a model; a run is exported into a temporary folder first. @throws RunError, BundleError and others. */
export async function openModel(source: ModelSource): Promise<OpenedModel> {
  const temporary = "run" in source ? await mkdtemp(join(tmpdir(), "sdfn-bundle-")) : undefined;
  const removeTemporary = async () => {
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
  };
  try {
    const folder = "run" in source ? join(temporary ?? "", "bundle") : source.bundle;
    if ("run" in source) {
      await loadRunModel(source.run, source.modelFile);
      exportBundle(openRun(source.run), folder);
    }
    const encoder = await openBundle(folder, { maxBatch });
    return {
      encoder,
      install: (bundleFolder) => cp(folder, bundleFolder, { recursive: true }),
      async close() {
        await encoder.close();
        await removeTemporary();
      },
    };
  } catch (error) {
    await removeTemporary();
    throw error;
  }
}
