/** Missing images are normal: use what is there, drop what needs the rest, and count it. */
import { DatasetError } from "../errors.js";
import type { DatasetSplit, RetrievalDataset, SplitName } from "./triplet.js";

/** How many of how many were dropped. */
export interface Dropped {
  readonly dropped: number;
  readonly of: number;
}

/** What a split lost because image files are missing. */
export interface DropReport {
  /** Distinct images that the split names. */
  readonly images: Dropped;
  /** Triplets, and queries without a published target. */
  readonly triplets: Dropped;
  /** Entries of the image lists, over all categories. */
  readonly galleryEntries: Dropped;
}

/** A split whose every image has a file, and what was dropped to make it so. */
export interface AvailableSplit {
  readonly split: DatasetSplit;
  /** The split as published. */
  readonly whole: DatasetSplit;
  readonly dropped: DropReport;
}

/**
 * The split without what needs a missing image.
 * @throws DatasetError when no image of the split has a file.
 */
export function availableSplit(dataset: RetrievalDataset, name: SplitName): AvailableSplit {
  const whole = dataset.split(name);
  const ids = imagesOf(whole);
  const present = new Set([...ids].filter((id) => dataset.imagePath(id) !== undefined));
  if (present.size === 0) {
    throw new DatasetError(
      `${dataset.root}: no image of the ${name} split was found; got 0 of ${ids.size}; ` +
        `put the files at ${dataset.imagesExpectedAt}`,
    );
  }
  const split = whole.restrict((id) => present.has(id));
  return {
    split,
    whole,
    dropped: {
      images: difference(ids.size, present.size),
      triplets: difference(tripletCount(whole), tripletCount(split)),
      galleryEntries: difference(entryCount(whole), entryCount(split)),
    },
  };
}

/** One line for the log: `dropped 12 of 2,628 images, ...`, or that nothing was. */
export function describeDrops({ images, triplets, galleryEntries }: DropReport): string {
  const part = ({ dropped, of }: Dropped, what: string) => `${dropped} of ${of} ${what}`;
  if (images.dropped === 0) return `all ${images.of} images are there`;
  return (
    `missing images: dropped ${part(images, "images")}, ` +
    `${part(triplets, "triplets")}, ${part(galleryEntries, "gallery entries")}`
  );
}

/** Every image that a split names, once. */
function imagesOf(split: DatasetSplit): Set<string> {
  const ids = new Set([...split.images.values()].flat());
  for (const { reference, target } of split.triplets) ids.add(reference).add(target);
  for (const { reference } of split.untargeted) ids.add(reference);
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
