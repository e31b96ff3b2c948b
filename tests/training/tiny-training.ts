/** What trainings of a few seconds are made of: a drawn catalogue, small models, one thread. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { generateCatalogue } from "../../src/data/synthetic/generate.js";
import { tinyModel } from "../fixtures/tiny-model.js";

/** One thread: these graphs are too small to share. */
export const session = { threadCount: 1 };

/** Fields that every model has; the smallest pictures, of which a part is cut. */
export const tinyFields = { ...tinyModel, epochs: 2, learningRate: 2e-3, resizePx: 36 };

/** The same for SDFN, teacher included: from the second epoch on there is distillation. */
export const tinySdfn = { ...tinyFields, model: "sdfn", heads: 2, layers: 2, lambda1: 1 };

/**
 * A catalogue in FashionIQ's layout with 60 training triplets on 60 pictures of `sizePx`; made before a file's tests, and
 * deleted after them with everything in `folder`.
 */
export function tinyCatalogue(sizePx = 36): { readonly folder: string; readonly data: string } {
  const folder = mkdtempSync(join(tmpdir(), "training-"));
  const data = join(folder, "catalogue");
  beforeAll(async () => {
    await generateCatalogue(data, { itemsPerCategory: 20, triplets: 60, sizePx });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return { folder, data };
}
