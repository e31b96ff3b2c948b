/** Checks that a run is resumed on the data and with the settings that it began with. */

import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { trainingImages } from "../data/presence/usable-images.js";
import type { DatasetSplit, RetrievalDataset, Triplet } from "../data/triplet.js";
import { RunError } from "../errors.js";
import { resolveRunConfig } from "../runs/run-config.js";
import type { CheckpointContent, DataFingerprint } from "./checkpoint-files.js";
import type { TrainingData } from "./training-data.js";

/** Triplets, texts and vocabulary by content; image files by name and size. */
export function fingerprintOf(
  dataset: RetrievalDataset,
  { parts: { training, validation, leftOut }, texts, vocabulary }: TrainingData,
): DataFingerprint {
  const splits: readonly DatasetSplit[] = validation ? [training, validation] : [training];
  const images = new Set(splits.flatMap((split) => [...trainingImages(split)]));
  const heldOut = validation?.triplets.length ?? 0;
  return {
    name: dataset.name,
    triplets: training.epochTripletCount + heldOut + leftOut,
    heldOut,
    images: images.size,
    words: vocabulary.words.length,
    ...checksumsOf(dataset, {
      triplets: splits.flatMap((split) => split.triplets),
      others: [...texts, vocabulary.words],
      images,
    }),
  };
}

/** Checksums of triplets and what else is read of them, and of image files by name and size; a missing file has none. */
export function checksumsOf(
  dataset: Pick<RetrievalDataset, "imagePath">,
  {
    triplets,
    others,
    images,
  }: {
    readonly triplets: readonly Triplet[];
    readonly others: readonly unknown[];
    readonly images: ReadonlySet<string>;
  },
): Pick<DataFingerprint, "content" | "files"> {
  const [content, files] = [createHash("sha256"), createHash("sha256")];
  const add = (hash: typeof content, value: unknown) => hash.update(`${JSON.stringify(value)}\n`);
  for (const { reference, target, captions, category, hits, relevant, subset } of triplets) {
    const judged = relevant || subset ? [{ relevant, subset }] : [];
    add(content, [reference, target, captions, category, ...(hits ? [hits] : []), ...judged]);
  }
  for (const other of others) add(content, other);
  for (const id of [...images].sort()) {
    const path = dataset.imagePath(id);
    add(files, [id, path === undefined ? -1 : statSync(path).size]);
  }
  return { content: content.digest("hex"), files: files.digest("hex") };
}

type Settings = Readonly<Record<string, unknown>>;

/**
 * Fields that came after the run was saved had their defaults then.
 * @throws RunError that lists every configuration field that differs; ConfigError when the saved one cannot be used.
 */
export function requireSameConfig(runDir: string, given: Settings, now: Settings): void {
  const saved = resolveRunConfig({ file: given }).fields;
  const names = [...new Set([...Object.keys(saved), ...Object.keys(now)])];
  const differences = names
    .filter((name) => JSON.stringify(saved[name]) !== JSON.stringify(now[name]))
    .map((name) => `${name}: ${show(saved[name])} when it began, ${show(now[name])} now`);
  refuse(runDir, "the configuration has changed", differences);
}

/** @throws RunError that lists what differs. */
export function requireSameData(
  runDir: string,
  saved: CheckpointContent["data"],
  now: DataFingerprint,
): void {
  const counts = { name: "data set", triplets: "triplets", heldOut: "triplets held out", images: "images" };
  const all = { ...counts, words: "words in the vocabulary" } as const;
  const differences = Object.entries(all).flatMap(([key, label]) => {
    const field = key as keyof typeof all;
    return saved[field] === now[field]
      ? []
      : [`${label}: ${show(saved[field])} when it began, ${show(now[field])} now`];
  });
  if (differences.length === 0 && saved.content !== now.content) {
    differences.push("triplets or texts: as many as before, but not the same");
  }
  if (saved.images === now.images && saved.files !== now.files) {
    differences.push("image files: as many as before, but other names or sizes");
  }
  refuse(runDir, "the data have changed", differences);
}

function refuse(runDir: string, what: string, differences: readonly string[]): void {
  if (differences.length === 0) return;
  throw new RunError(
    `${runDir}: ${what} since the checkpoint, so the run cannot be resumed:${differences.map((line) => `\n  - ${line}`).join("")}\n` +
      "put back what it was, or train anew into another folder",
  );
}

function show(value: unknown): string {
  return value === undefined ? "not there" : JSON.stringify(value);
}
