/** The files of a run folder, and how they are written so that a stop at any time leaves them whole. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { holdOutRules } from "../data/hold-out.js";
import { RunError } from "../errors.js";
import { readJsonSync } from "../files/read-json.js";
import { partialEnding, writeWholeSync } from "../files/whole.js";
import { phraseLimits } from "../text/phrases.js";
import type { Metrics } from "./metrics.js";

/** File names inside a run folder. */
export const runFiles = {
  manifest: "run.json",
  vocabulary: "vocabulary.json",
  /** Frequent modification phrases of the training texts; runs of older versions have none. */
  phrases: "phrases.json",
  metrics: "metrics.jsonl",
  parameters: "parameters.safetensors",
  /** A line of JSON for each image of the split that could not be used; absent when there is none. */
  droppedImages: "dropped-images.jsonl",
  /** Number of the process that trains the run; absent when none does. */
  lock: "train.lock",
} as const;

/** What a run started from besides random values; files by name and content. */
const initialWeightsSchema = z.strictObject({
  backboneWeights: z.strictObject({ file: z.string(), sha256: z.string(), format: z.string() }).optional(),
  wordVectors: z
    .strictObject({
      file: z.string(),
      sha256: z.string(),
      /** Words of the vocabulary, and how many the file has. */
      words: z.number().int().nonnegative(),
      wordsFound: z.number().int().nonnegative(),
      /** Words in the training texts, each as often as it occurs, and how many the file has. */
      occurrences: z.number().int().nonnegative(),
      occurrencesFound: z.number().int().nonnegative(),
    })
    .optional(),
});

export type InitialWeightsRecord = z.infer<typeof initialWeightsSchema>;

const manifestSchema = z.strictObject({
  format: z.literal(1),
  /** How far the run came. */
  status: z.enum(["training", "complete", "interrupted", "diverged"]),
  /** Program that trained it: commit, or version. */
  commit: z.string(),
  dataset: z.strictObject({ name: z.string(), root: z.string() }),
  /** Folder of the frozen backbone's feature maps, for evaluation on the same machine. */
  featureCache: z.string().optional(),
  initialWeights: initialWeightsSchema.optional(),
  /** The file of a model that is not the project's: its path as it was given, and its content's hash. */
  modelFile: z.strictObject({ path: z.string(), sha256: z.string() }).optional(),
  /** The configuration, checked again when the run is opened. */
  config: z.record(z.string(), z.unknown()),
  /** Where the saved parameters come from: which epoch, how it was chosen, and on what. Absent before an epoch ended. */
  kept: z
    .strictObject({
      rule: z.enum(["last", "best"]),
      epoch: z.number().int().nonnegative(),
      step: z.number().int().nonnegative(),
      /** Decay of the weight average that they are; 0 when they are the parameters themselves. */
      weightAverage: z.number(),
      chosenOn: z.string(),
      /** Mean of held-out R@1, R@10 and R@50 in percent, of the best epoch so far. */
      heldOutRecall: z.number().optional(),
    })
    .optional(),
  /** What is held out of training. */
  heldOut: z
    .strictObject({
      by: z.enum(holdOutRules),
      triplets: z.number().int().nonnegative(),
      /** In neither part. */
      leftOut: z.number().int().nonnegative(),
    })
    .optional(),
  /** The epoch after which `patience` ran out. */
  stoppedEarly: z.number().int().positive().optional(),
  /** Words of the vocabulary whose vectors never got a gradient: cut off, or in no batch; at most 20 are named. */
  unseenWords: z
    .strictObject({ count: z.number().int().nonnegative(), words: z.array(z.string()) })
    .optional(),
  /** When the run was resumed, from which step, and by which program. */
  resumed: z
    .array(z.strictObject({ at: z.string(), step: z.number().int().nonnegative(), commit: z.string() }))
    .optional(),
  /** Steps done. */
  step: z.number().int().nonnegative(),
  startedAt: z.string(),
  seconds: z.number().nonnegative(),
});

/** What `run.json` says. */
export type RunManifest = z.infer<typeof manifestSchema>;

/** What is there before a run's manifest is: a run that never began. */
const preparations: readonly string[] = [
  runFiles.vocabulary,
  runFiles.phrases,
  runFiles.droppedImages,
  runFiles.metrics,
  runFiles.lock,
];
/** What a stop leaves of the files that are written whole, the manifest among them. */
const leftovers = [...preparations, runFiles.manifest].map((name) => `${name}${partialEnding}`);

/** Makes the folder. @throws RunError when it holds a run that began, or anything else. */
export function createRunFolder(runDir: string): void {
  const found = existsSync(runDir) ? readdirSync(runDir) : [];
  if (found.includes(runFiles.manifest)) {
    throw new RunError(
      `${runDir}: holds a run; resume it: sdfn train --resume ${runDir}, or choose a new folder for --out`,
    );
  }
  if (found.some((name) => !preparations.includes(name) && !leftovers.includes(name))) {
    throw new RunError(
      `${runDir}: the folder is not empty; got ${found.slice(0, 3).join(", ")}; choose a new folder for --out`,
    );
  }
  mkdirSync(runDir, { recursive: true });
}

/** Writes `run.json` whole or not at all. */
export function writeManifest(runDir: string, manifest: RunManifest): void {
  writeWholeSync(join(runDir, runFiles.manifest), `${JSON.stringify(manifest, undefined, 2)}\n`);
}

/** Reads `run.json`. @throws RunError when it is missing or not a run's. */
export function readManifest(runDir: string): RunManifest {
  const file = join(runDir, runFiles.manifest);
  return readJsonSync(file, manifestSchema, ({ kind, got, cause }) => {
    throw new RunError(
      kind === "missing"
        ? `${runDir}: not a run folder, ${runFiles.manifest} is missing; train one with: sdfn train --out ${runDir}`
        : `${file}: not a run's manifest; ${got}; copy the whole run folder again, or train anew`,
      { cause },
    );
  });
}

const phrasesSchema = z.strictObject({
  phrases: z.array(z.string().max(phraseLimits.characters)).max(phraseLimits.count),
});

/** Writes `phrases.json`. */
export function writePhrases(runDir: string, phrases: readonly string[]): void {
  writeWholeSync(join(runDir, runFiles.phrases), `${JSON.stringify({ phrases })}\n`);
}

/** Reads `phrases.json`; undefined where there is no such file. @throws RunError when it is something else. */
export function readPhrases(runDir: string): readonly string[] | undefined {
  const file = join(runDir, runFiles.phrases);
  const found = readJsonSync(file, phrasesSchema, ({ kind, got, cause }) => {
    if (kind === "missing") return undefined;
    throw new RunError(`${file}: not a run's phrases; got ${got}; remove it, it is for suggestions only`, {
      cause,
    });
  });
  return found?.phrases;
}

/** Reads `metrics.jsonl`; a last line that a stop cut short is left out. @throws RunError when another line is not JSON. */
export function readMetrics(runDir: string): Metrics[] {
  const file = join(runDir, runFiles.metrics);
  if (!existsSync(file)) return [];
  // What follows the last line break is nothing, or a line that was not finished.
  return readFileSync(file, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line, i) => {
      try {
        return JSON.parse(line) as Metrics;
      } catch (cause) {
        throw new RunError(`${file}: line ${i + 1} is not JSON; got ${line.slice(0, 60)}`, { cause });
      }
    });
}
