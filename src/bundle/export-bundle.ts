/** Writes a trained run as a bundle: all that another program needs to embed pictures and queries (docs/bundle.md). */
import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { irVersion, opsetVersion } from "../engine/onnx/onnx-graph.js";
import { BundleError } from "../errors.js";
import type { Run } from "../runs/open-run.js";
import { projectCommit } from "../runs/project-version.js";
import { readMetrics } from "../runs/run-files.js";
import { wordPattern } from "../text/vocabulary.js";
import { bundleGraphs } from "./bundle-graphs.js";
import {
  type BundleFile,
  type BundleManifest,
  bundleFiles,
  bundleFormat,
  modelIdOf,
  type Preprocessing,
} from "./bundle-manifest.js";

/**
 * Writes the bundle into a new folder, whole or not at all: it is made beside its place and renamed there.
 * @throws BundleError when the folder holds something, cannot be written, or the model is too large.
 * @example
 * import { exportBundle, openRun } from "sdfn/training";
 * const { model } = exportBundle(openRun("runs/first"), "bundles/new");
 * console.log(model); // sdfn
 */
export function exportBundle(run: Run, dir: string): BundleManifest {
  const { model, config, vocabulary } = run;
  const { imagePx } = config.training;
  const place = resolve(dir);
  requireFree(place, dir);
  const graphs = bundleGraphs(model, { imagePx });
  const contents = {
    [bundleFiles.images]: graphs.images.model,
    [bundleFiles.queries]: graphs.queries.model,
    [bundleFiles.vocabulary]: new TextEncoder().encode(vocabulary.toJson()),
    ...(graphs.pairs ? { [bundleFiles.pairs]: graphs.pairs.model } : {}),
  };
  const files = Object.fromEntries(
    Object.entries(contents).map(([name, content]) => [name, fileOf(content)]),
  ) as BundleManifest["files"];
  const preprocessing = preprocessingOf(run, "tokens" in graphs.queries.inputs);
  const { images, queries, pairs } = graphs;
  const manifest: BundleManifest = {
    format: bundleFormat,
    modelId: modelIdOf({ files, preprocessing }),
    model: config.model,
    embedDim: Number(images.outputs.embeddings?.shape[1]),
    regions: graphs.grid,
    preprocessing,
    onnx: { opset: opsetVersion, irVersion },
    graphs: {
      images: { file: bundleFiles.images, inputs: images.inputs, outputs: images.outputs },
      queries: { file: bundleFiles.queries, inputs: queries.inputs, outputs: queries.outputs },
      pairs: pairs ? { file: bundleFiles.pairs, inputs: pairs.inputs, outputs: pairs.outputs } : undefined,
    },
    pairCandidates: model.pairScoring?.candidates,
    config: { ...config.fields },
    phrases: run.phrases ? [...run.phrases] : undefined,
    provenance: provenanceOf(run),
    files,
  };
  const json = new TextEncoder().encode(`${JSON.stringify(manifest, undefined, 2)}\n`);
  writeFolder(place, { ...contents, [bundleFiles.manifest]: json });
  return manifest;
}

function preprocessingOf({ config, model }: Run, reads: boolean): Preprocessing {
  const { imagePx, resizePx, imageFit, maxWords } = config.training;
  return {
    image: {
      orientation: "as EXIF says",
      colour: "sRGB, 8 bits a channel",
      transparentOn: "white",
      resizePx,
      fit: imageFit,
      filter: model.image.backbone.preprocessing.kernel,
      cropPx: imagePx,
      layout: "rows, columns, red green blue; 0 to 255",
      normalisation: "in the model",
    },
    text: {
      normalForm: "NFC",
      apostrophes: "U+2018 U+2019 U+00B4 U+0060 become U+0027",
      case: "lower",
      words: wordPattern,
      maxWords,
      paddingToken: 0,
      unknownToken: 1,
      firstWordToken: 2,
    },
    textOnlyPicture: reads ? "regions of zeros" : "refused",
  };
}

function provenanceOf({ manifest, config, runDir }: Run): BundleManifest["provenance"] {
  const { commit, dataset, step, status, startedAt } = manifest;
  const epochs = readMetrics(runDir).flatMap((metrics) => (metrics.kind === "epoch" ? [metrics] : []));
  const validation = epochs.at(-1)?.validation;
  return {
    commit,
    exportedBy: projectCommit(),
    dataset: dataset.name, // not its folder, which means nothing elsewhere
    seed: config.training.seed,
    step,
    status,
    trainedAt: startedAt,
    validation: validation ? { ...validation } : null,
  };
}

function fileOf(content: Uint8Array): BundleFile {
  return { sizeBytes: content.length, sha256: createHash("sha256").update(content).digest("hex") };
}

function requireFree(place: string, shown: string): void {
  if (!existsSync(place)) return;
  if (!statSync(place).isDirectory())
    throw new BundleError(`${shown}: is a file; choose a new folder for --out`);
  const content = readdirSync(place);
  if (content.length === 0) return;
  throw new BundleError(
    `${shown}: the folder is not empty; got ${content.slice(0, 3).join(", ")}; choose a new folder for --out`,
  );
}

/** A folder of these files, on disk before it has its name. */
function writeFolder(place: string, contents: Readonly<Record<string, Uint8Array>>): void {
  const partial = `${place}.partial-${randomBytes(4).toString("hex")}`; // nobody else's, whatever runs beside
  try {
    mkdirSync(partial, { recursive: true });
    try {
      for (const [name, content] of Object.entries(contents)) writeDurably(join(partial, name), content);
      renameSync(partial, place);
    } catch (cause) {
      rmSync(partial, { recursive: true, force: true });
      throw cause;
    }
  } catch (cause) {
    throw new BundleError(
      `${place}: the bundle cannot be written; got ${cause}; choose another folder for --out`,
      { cause },
    );
  }
}

function writeDurably(file: string, content: Uint8Array): void {
  const handle = openSync(file, "wx");
  try {
    for (let done = 0; done < content.length; ) done += writeSync(handle, content, done);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
