/** The files of a checkpoint: a manifest with checksums, and tensors. What is read is not trusted. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { RunError } from "../errors.js";
import { checkJson, type JsonFault, readJsonSync } from "../files/read-json.js";
import { sha256Of, sha256OfFileSync } from "../files/sha256.js";
import { trainingStateSchema } from "./training-state.js";

/** Folder of checkpoints in a run's. */
export const checkpointFolder = "checkpoints";

const fileSchema = z.strictObject({
  // The names that are written, and nothing that leads out of the folder.
  name: z.string().regex(/^(state|teacher)-\d{6,}\.safetensors$/),
  sizeBytes: z.int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

/** A file, and what its bytes must add up to. */
export type CheckpointFile = z.infer<typeof fileSchema>;

const dataSchema = z.strictObject({
  name: z.string(),
  triplets: z.int().nonnegative(),
  heldOut: z.int().nonnegative(),
  images: z.int().nonnegative(),
  words: z.int().nonnegative(),
  /** Checksum of triplets and texts. */
  content: z.string(),
  /** Checksum of the images' names and sizes. */
  files: z.string(),
});

/** A short description of the training data: the fields that differ tell what has changed. */
export type DataFingerprint = z.infer<typeof dataSchema>;

const contentSchema = z.strictObject({
  savedAt: z.string(),
  /** Program that wrote it. */
  commit: z.string(),
  /** The run's configuration. */
  config: z.record(z.string(), z.unknown()),
  data: dataSchema,
  state: trainingStateSchema,
  /** Length of `metrics.jsonl` at that moment. */
  metricsBytes: z.int().nonnegative(),
  tensors: fileSchema,
  /** Absent before there is one. */
  teacher: fileSchema.optional(),
});

/** A checkpoint's manifest. */
export type CheckpointContent = z.infer<typeof contentSchema>;

const manifestSchema = z.strictObject({ format: z.literal(1), sha256: z.string(), content: z.unknown() });

const manifestName = /^checkpoint-(\d{6,})\.json$/;

/** "checkpoint-000012.json" */
export function manifestNameOf(number: number): string {
  return `checkpoint-${String(number).padStart(6, "0")}.json`;
}

/** Numbers of the checkpoints whose manifests are there, oldest first. */
export function checkpointNumbers(folder: string): number[] {
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names.flatMap((name) => Number(manifestName.exec(name)?.[1] ?? [])).sort((a, b) => a - b);
}

/** The text of a manifest. */
export function manifestText(content: CheckpointContent): string {
  return `${JSON.stringify({ format: 1, sha256: sha256Of(JSON.stringify(content)), content }, undefined, 1)}\n`;
}

/** Reads a manifest and checks its files byte by byte. @throws RunError that says what is damaged. */
export function readCheckpoint(folder: string, number: number): CheckpointContent {
  const file = join(folder, manifestNameOf(number));
  const content = readManifest(file);
  for (const entry of [content.tensors, content.teacher]) {
    if (entry) checkFile(join(folder, entry.name), entry);
  }
  return content;
}

function readManifest(file: string): CheckpointContent {
  const damaged = ({ got, cause }: JsonFault): never => {
    throw new RunError(`${file} is damaged: ${got}`, { cause });
  };
  const { sha256, content } = readJsonSync(file, manifestSchema, damaged);
  if (sha256Of(JSON.stringify(content)) !== sha256)
    throw new RunError(`${file} is damaged: its checksum is another`);
  return checkJson(content, contentSchema, damaged);
}

function checkFile(file: string, { sizeBytes, sha256 }: CheckpointFile): void {
  let found: { readonly sizeBytes: number; readonly sha256: string };
  try {
    found = { sizeBytes: statSync(file).size, sha256: sha256OfFileSync(file) };
  } catch (cause) {
    throw new RunError(`${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
  if (found.sizeBytes !== sizeBytes)
    throw new RunError(`${file} is damaged: it must have ${sizeBytes} bytes; got ${found.sizeBytes}`);
  if (found.sha256 !== sha256) throw new RunError(`${file} is damaged: its checksum is another`);
}
