/** Missing and broken images are normal: use what is there, drop what needs the rest, and count it. */
import { DatasetError } from "../../errors.js";
import type { DatasetSplit, RetrievalDataset, SplitName } from "../triplet.js";
import type { ImageProblem } from "./check-images.js";

/** How many of how many were dropped. */
export interface Dropped {
  readonly dropped: number;
  readonly of: number;
}

/** What a split lost because image files are missing or broken. */
export interface DropReport {
  /** Distinct images that the split names; `broken` of the dropped ones have a file that cannot be decoded. */
  readonly images: Dropped & { readonly broken: number };
  /** Triplets, and queries without a published target. */
  readonly triplets: Dropped;
  /** Entries of the image lists, over all categories. */
  readonly galleryEntries: Dropped;
}

/** A split whose every image has a usable file, and what was dropped to make it so. */
export interface AvailableSplit {
  readonly split: DatasetSplit;
  /** The split as published. */
  readonly whole: DatasetSplit;
  readonly dropped: DropReport;
  /** The dropped images. */
  readonly unusable: readonly ImageProblem[];
}

/**
 * The split without what needs a missing image, or one that `dataset.broken` lists.
 * @throws DatasetError when no image of the split has a usable file.
 */
export function availableSplit(dataset: RetrievalDataset, name: SplitName): AvailableSplit {
  const whole = dataset.split(name);
  const ids = imagesOf(whole);
  const unusable = [...ids].flatMap((id) => unusableImage(dataset, id) ?? []);
  const brokenCount = unusable.filter(({ state }) => state === "broken").length;
  if (unusable.length === ids.size) {
    const broken = brokenCount > 0 ? ` that can be decoded, ${brokenCount} are broken` : "";
    throw new DatasetError(
      `${dataset.root}: no image of the ${name} split was found${broken}; got 0 of ${ids.size}; ` +
        `put the files at ${dataset.imagesExpectedAt}`,
    );
  }
  const left = new Set(unusable.map(({ id }) => id));
  const split = whole.restrict((id) => !left.has(id));
  return {
    split,
    whole,
    dropped: {
      images: { dropped: unusable.length, of: ids.size, broken: brokenCount },
      triplets: difference(tripletCount(whole), tripletCount(split)),
      galleryEntries: difference(entryCount(whole), entryCount(split)),
    },
    unusable,
  };
}

/** One line for the log: `dropped 12 of 2,628 images, ...`, or that nothing was. */
export function describeDrops({ images, triplets, galleryEntries }: DropReport): string {
  const part = ({ dropped, of }: Dropped, what: string) => `${dropped} of ${of} ${what}`;
  if (images.dropped === 0) return `all ${images.of} images are there`;
  const isBroken = images.broken > 0;
  return (
    `missing ${isBroken ? "or broken " : ""}images: dropped ${part(images, "images")}` +
    `${isBroken ? ` (${images.broken} broken)` : ""}, ` +
    `${part(triplets, "triplets")}, ${part(galleryEntries, "gallery entries")}`
  );
}

function unusableImage(dataset: RetrievalDataset, id: string): ImageProblem | undefined {
  const reason = dataset.broken?.get(id);
  if (reason !== undefined) return { id, state: "broken", reason };
  if (dataset.imagePath(id) !== undefined) return undefined;
  return { id, state: "missing", reason: `no file at ${dataset.imagesExpectedAt}` };
}

/** Every image that a split names, once. */
export function imagesOf(split: DatasetSplit): Set<string> {
  const ids = new Set([...split.images.values()].flat());
  for (const { target, relevant = [] } of split.triplets) for (const id of [target, ...relevant]) ids.add(id);
  for (const { reference, subset = [] } of [...split.triplets, ...split.untargeted]) {
    for (const id of [reference, ...subset]) ids.add(id);
  }
  return ids;
}

function difference(before: number, after: number): Dropped {
  return { dropped: before - after, of: before };
}

function tripletCount(split: DatasetSplit): number {
  return split.triplets.length + split.untargeted.length;
}

function entryCount(split: DatasetSplit): number {
  return [...split.images.values()].reduce((sum, ids) => sum + ids.length, 0);
}
