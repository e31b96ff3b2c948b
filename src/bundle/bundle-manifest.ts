/** A bundle's `manifest.json`: what it must say, and reading it without trust (docs/bundle.md). */
import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { dimSymbols } from "../engine/tensor/shape.js";
import { BundleError } from "../errors.js";
import { checkJson, readJsonSync } from "../files/read-json.js";
import { sha256Of } from "../files/sha256.js";
import { imageFits, resizeKernels } from "../images/image.js";
import { phraseLimits } from "../text/phrases.js";
import { unknownToken, wordPattern } from "../text/vocabulary.js";

/** Changes when a program that reads bundles must change. */
export const bundleFormat = 2;

/** File names inside a bundle. */
export const bundleFiles = {
  manifest: "manifest.json",
  images: "image-encoder.onnx",
  queries: "query-encoder.onnx",
  pairs: "pair-scorer.onnx",
  vocabulary: "vocabulary.json",
} as const;

/** What the manifest lists: everything but itself. The scorer is there for models that score pairs. */
const alwaysListed = [bundleFiles.images, bundleFiles.queries, bundleFiles.vocabulary] as const;
export type ListedFile = (typeof alwaysListed)[number] | typeof bundleFiles.pairs;

const maxManifestBytes = 2 ** 20;
const maxVocabularyBytes = 2 ** 26;
/** A protobuf message must be smaller than 2 GiB. */
export const maxModelBytes = 2 ** 31 - 1;

const fileSchema = z.strictObject({
  sizeBytes: z.int().min(1).max(maxModelBytes),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits"),
});
export type BundleFile = z.output<typeof fileSchema>;

const valueSchema = z.strictObject({
  dtype: z.string(),
  /** Symbols are any number from 1. */
  shape: z.array(z.union([z.int().min(0), z.enum(dimSymbols)])).max(8),
  meaning: z.string(),
});
/** An input or output of a model. */
export type BundleValue = z.output<typeof valueSchema>;

const graphSchema = <File extends ListedFile>(file: File) =>
  z.strictObject({
    file: z.literal(file),
    inputs: z.record(z.string(), valueSchema),
    outputs: z.record(z.string(), valueSchema),
  });

/** Steps before the models. What is a literal cannot be chosen in this format; it is stated for other programs. */
const preprocessingSchema = z
  .strictObject({
    image: z.strictObject({
      orientation: z.literal("as EXIF says"),
      colour: z.literal("sRGB, 8 bits a channel"),
      transparentOn: z.literal("white"),
      /** The picture becomes a square of this side: stretched, or padded with white. */
      resizePx: z.int().min(1).max(4096),
      fit: z.enum(imageFits),
      /** Kernel of the resizing. */
      filter: z.enum(resizeKernels),
      /** Of which the middle is cut, (resizePx - cropPx) / 2 rounded down from the left and the top. */
      cropPx: z.int().min(1).max(4096),
      layout: z.literal("rows, columns, red green blue; 0 to 255"),
      normalisation: z.literal("in the model"),
    }),
    text: z.strictObject({
      normalForm: z.literal("NFC"),
      apostrophes: z.literal("U+2018 U+2019 U+00B4 U+0060 become U+0027"),
      case: z.literal("lower"),
      /** Matches of this regular expression (Unicode) are the words. */
      words: z.literal(wordPattern),
      maxWords: z.int().min(1).max(4096),
      paddingToken: z.literal(0),
      unknownToken: z.literal(unknownToken),
      /** Token of the vocabulary's first word; the others follow. */
      firstWordToken: z.literal(2),
    }),
    /** What stands for the picture when a query has none; "refused": the model does not read. */
    textOnlyPicture: z.enum(["regions of zeros", "refused"]),
  })
  .refine(({ image }) => image.cropPx <= image.resizePx, "cropPx must not exceed resizePx");
export type Preprocessing = z.output<typeof preprocessingSchema>;

/** Shown to people as it stands. */
const phraseSchema = z
  .string()
  .min(1)
  .max(phraseLimits.characters)
  .regex(/^[^\p{C}]+$/u, "must have no control characters");

const manifestSchema = z.strictObject({
  format: z.literal(bundleFormat),
  /** Hash of files and preprocessing: embeddings of bundles with the same one can be compared. */
  modelId: z.string(),
  model: z.string().min(1).max(100),
  embedDim: z.int().min(1).max(65536),
  /** Regions of a picture lie in rows from the top, each from the left. */
  regions: z.strictObject({ rows: z.int().min(1).max(128), columns: z.int().min(1).max(128) }),
  preprocessing: preprocessingSchema,
  onnx: z.strictObject({ opset: z.int(), irVersion: z.int() }),
  graphs: z.strictObject({
    images: graphSchema(bundleFiles.images),
    queries: graphSchema(bundleFiles.queries),
    /** Absent for models whose dot products decide. */
    pairs: graphSchema(bundleFiles.pairs).optional(),
  }),
  /** Which images a pair scorer is asked about: the best of a search by embeddings, or all. Absent without one. */
  pairCandidates: z.union([z.int().min(1).max(1_000_000), z.literal("all")]).optional(),
  /** The run's whole configuration. */
  config: z.record(z.string(), z.unknown()),
  /** Frequent modification phrases of the training texts, most frequent first; absent where the run has none. */
  phrases: z.array(phraseSchema).max(phraseLimits.count).optional(),
  provenance: z.strictObject({
    /** Programs that trained and exported it. */
    commit: z.string(),
    exportedBy: z.string(),
    dataset: z.string(),
    seed: z.int(),
    step: z.int(),
    status: z.string(),
    trainedAt: z.string(),
    /** Recall on held-out triplets after the last epoch, percent; null without a hold-out. */
    validation: z.record(z.string(), z.number()).nullable(),
  }),
  files: z.strictObject({
    [bundleFiles.images]: fileSchema,
    [bundleFiles.queries]: fileSchema,
    [bundleFiles.pairs]: fileSchema.optional(),
    [bundleFiles.vocabulary]: fileSchema,
  }),
});
/** What `manifest.json` says. */
export type BundleManifest = z.output<typeof manifestSchema>;
/** One of its graphs. */
export type BundleGraphDescription = NonNullable<BundleManifest["graphs"]["images" | "queries" | "pairs"]>;

/** The files that a manifest lists. */
function listedFiles({ files }: Pick<BundleManifest, "files">): readonly ListedFile[] {
  return files[bundleFiles.pairs] ? [...alwaysListed, bundleFiles.pairs] : alwaysListed;
}

/** What a manifest says of a file that it lists. */
function fileOf({ files }: Pick<BundleManifest, "files">, name: ListedFile): BundleFile {
  return files[name] as BundleFile;
}

/** Embeddings of bundles with equal identities can be compared: the same models, words and preparation. */
export function modelIdOf(manifest: Pick<BundleManifest, "files" | "preprocessing">): string {
  const { preprocessing } = manifest;
  const content = JSON.stringify([
    bundleFormat,
    listedFiles(manifest).map((name) => fileOf(manifest, name).sha256),
    sorted(preprocessing.image),
    sorted(preprocessing.text),
    preprocessing.textOnlyPicture,
  ]);
  return sha256Of(content).slice(0, 32);
}

/**
 * Reads and checks a manifest, and that the listed files are there in their sizes. Contents are compared with their
 * checksums when they are loaded.
 * @throws BundleError saying what is wrong.
 */
export function readBundleManifest(dir: string): BundleManifest {
  const file = join(dir, bundleFiles.manifest);
  const { size } = regularFile(file);
  if (size > maxManifestBytes) {
    throw new BundleError(
      `${file}: must be at most ${maxManifestBytes} bytes; got ${size}; export the run again`,
    );
  }
  const given = readJsonSync(file, z.unknown(), ({ got, cause }) => {
    throw new BundleError(`${file}: not JSON; got ${got}; export the run again`, { cause });
  });
  const version = (given as { format?: unknown } | null)?.format;
  if (version !== bundleFormat) {
    throw new BundleError(
      `${file}: this version reads bundles of format ${bundleFormat}; got ${JSON.stringify(version)?.slice(0, 40)}; export the run again with this version`,
    );
  }
  const manifest = checkJson(given, manifestSchema, ({ got, cause }) => {
    throw new BundleError(`${file}: not a bundle's manifest; got ${got}; export the run again`, { cause });
  });
  for (const name of listedFiles(manifest)) {
    const path = join(dir, name);
    const { sizeBytes } = fileOf(manifest, name);
    const actual = regularFile(path).size;
    if (actual !== sizeBytes) {
      throw new BundleError(
        `${path}: must have ${sizeBytes} bytes; got ${actual}; copy the bundle again or export the run again`,
      );
    }
  }
  if (manifest.files[bundleFiles.vocabulary].sizeBytes > maxVocabularyBytes) {
    throw new BundleError(`${dir}: the vocabulary must be at most ${maxVocabularyBytes} bytes`);
  }
  const expected = modelIdOf(manifest);
  if (manifest.modelId !== expected) {
    throw new BundleError(
      `${file}: modelId does not belong to files and preprocessing; got ${manifest.modelId.slice(0, 40)}, expected ${expected}; export the run again`,
    );
  }
  return manifest;
}

/** Bytes of a listed file. @throws BundleError when they are not those that were exported. */
export function readBundleFile(
  dir: string,
  manifest: BundleManifest,
  name: ListedFile,
): Uint8Array<ArrayBuffer> {
  const path = join(dir, name);
  regularFile(path);
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new BundleError(`${path}: cannot be read; got ${cause}`, { cause });
  }
  const sha256 = sha256Of(bytes);
  const expected = fileOf(manifest, name).sha256;
  if (sha256 !== expected) {
    throw new BundleError(
      `${path}: damaged, its SHA-256 is not the manifest's; got ${sha256}, expected ${expected}; copy the bundle again or export the run again`,
    );
  }
  return bytes;
}

/** No links: they could lead anywhere. */
function regularFile(path: string): { readonly size: number } {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) {
    throw new BundleError(
      `${path}: there is no such file; a bundle is made with: sdfn export --run RUN --out BUNDLE`,
    );
  }
  if (!found.isFile()) throw new BundleError(`${path}: must be a file, no link or folder`);
  return found;
}

function sorted(fields: Readonly<Record<string, unknown>>): [string, unknown][] {
  return Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
}
