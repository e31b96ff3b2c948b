/** Makes the synthetic catalogue on disk: plans it, renders its pictures, and puts the folder in place at once. */
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join, resolve } from "node:path";
import { Random } from "../../engine/tensor/random.js";
import { DatasetError } from "../../errors.js";
import { isErrno } from "../../files/errno.js";
import { writeWholeFolder } from "../../files/whole.js";
import {
  annotationFiles,
  type CatalogueCounts,
  countsOf,
  imagePath,
  isManifest,
  manifestFile,
  manifestText,
} from "./layout.js";
import { type SyntheticOptions, syntheticOptions } from "./options.js";
import { type CataloguePlan, planCatalogue } from "./plan.js";
import { picturesPerSheet, renderPictures } from "./render.js";

export interface GenerateSettings {
  /** Called after each picture. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Stops the work; nothing is left behind. */
  readonly signal?: AbortSignal;
  /** Makes the catalogue again even if the folder holds one. Never replaces a folder of anything else. */
  readonly force?: boolean;
}

export interface CatalogueSummary {
  /** Absolute path of the folder. */
  readonly directory: string;
  readonly options: SyntheticOptions;
  readonly counts: CatalogueCounts;
  readonly imageCount: number;
  /** True if the folder held exactly this catalogue and was left alone. */
  readonly isUnchanged: boolean;
}

/**
 * Writes the catalogue into `outDir`, in FashionIQ's layout (see docs/data.md). The files are made in a folder beside it
 * which takes its name when all is written: an interrupted run leaves no catalogue. The same options give the same
 * bytes. A folder that holds this very catalogue is left alone.
 * @throws UsageError for options out of range.
 * @throws DatasetError when `outDir` holds anything else, or cannot be written.
 * @example
 * import { generateCatalogue } from "sdfn/training";
 * const { imageCount } = await generateCatalogue("data/new", { itemsPerCategory: 20, triplets: 60, sizePx: 36 });
 * console.log(imageCount); // 135
 */
export async function generateCatalogue(
  outDir: string,
  options: Partial<SyntheticOptions> = {},
  { onProgress, signal, force = false }: GenerateSettings = {},
): Promise<CatalogueSummary> {
  const checked = syntheticOptions(options);
  const directory = resolve(outDir);
  signal?.throwIfAborted();
  try {
    const plan = planCatalogue(checked, new Random(checked.seed));
    const counts = countsOf(plan);
    const manifest = manifestText(checked, counts);
    const summary = { directory, options: checked, counts, imageCount: plan.items.length };
    const found = await inspect(directory, manifest, plan.items.length);
    if (found === "same" && !force) return { ...summary, isUnchanged: true };
    if (found === "other catalogue" && !force) {
      throw new DatasetError(
        `${outDir}: holds a synthetic catalogue of another version, of other options or with pictures missing; ` +
          "choose another folder, or pass --force to make it anew",
      );
    }
    if (found === "other files") {
      throw new DatasetError(`${outDir}: is not empty and not a synthetic catalogue; choose another folder`);
    }
    await writeWholeFolder(
      directory,
      async (partial) => {
        await writeAnnotations(partial, plan);
        await renderAll(partial, plan, checked.sizePx, { onProgress, signal });
        await writeFile(join(partial, manifestFile), manifest);
      },
      { isReplaced: true, refused: (cause) => cause },
    );
    return { ...summary, isUnchanged: false };
  } catch (error) {
    if (isErrno(error)) {
      throw new DatasetError(`${outDir}: cannot be written; ${error.message}`, { cause: error });
    }
    throw error;
  }
}

type Found = "nothing" | "same" | "other catalogue" | "other files";

/** What lies at `directory`. A catalogue that lost pictures is not the same. */
async function inspect(directory: string, manifest: string, imageCount: number): Promise<Found> {
  const info = await stat(directory).catch(ifMissing(undefined));
  if (!info) return "nothing";
  if (!info.isDirectory()) return "other files";
  const names = await readdir(directory);
  if (names.length === 0) return "nothing";
  const text = await readFile(join(directory, manifestFile), "utf8").catch(ifMissing(""));
  if (!isManifest(text)) return "other files";
  if (text !== manifest) return "other catalogue";
  const images = await readdir(join(directory, "images")).catch(ifMissing<string[]>([]));
  return images.length === imageCount ? "same" : "other catalogue";
}

async function writeAnnotations(directory: string, plan: CataloguePlan): Promise<void> {
  await mkdir(join(directory, "images"), { recursive: true });
  for (const [path, text] of annotationFiles(plan)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
}

/** Renders every picture, sheet by sheet, a few sheets at once: librsvg works outside the main thread. */
async function renderAll(
  directory: string,
  { items }: CataloguePlan,
  sizePx: number,
  { onProgress, signal }: { onProgress: GenerateSettings["onProgress"]; signal: AbortSignal | undefined },
): Promise<void> {
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    while (next < items.length) {
      signal?.throwIfAborted();
      const sheet = items.slice(next, next + picturesPerSheet);
      next += sheet.length;
      const pictures = await renderPictures(sheet, sizePx);
      for (const [i, { id }] of sheet.entries()) {
        await writeFile(join(directory, imagePath(id)), pictures[i] ?? "");
        done += 1;
        onProgress?.(done, items.length);
      }
    }
  };
  // Every worker ends before the folder may be removed, also when one of them fails.
  const results = await Promise.allSettled(Array.from({ length: 2 * availableParallelism() }, work));
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

/** For `catch`: `value` when the file is not there, any other error again. */
function ifMissing<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (isErrno(error, "ENOENT")) return value;
    throw error;
  };
}
