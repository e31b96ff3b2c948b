/** A short description of the data that a grid's cells are trained and measured on, to notice when it has changed. */
import { z } from "zod";
import { imagesOf } from "../data/presence/missing-images.js";
import type { RetrievalDataset, SplitName } from "../data/triplet.js";
import { checksumsOf } from "../training/data-fingerprint.js";

const splitSchema = z.strictObject({
  triplets: z.int().nonnegative(),
  images: z.int().nonnegative(),
  /** Checksum of triplets, texts and galleries. */
  content: z.string(),
  /** Checksum of the images' names and sizes. */
  files: z.string(),
});

export const gridDataSchema = z.record(z.string(), splitSchema);

/** By split. */
export type GridData = z.infer<typeof gridDataSchema>;

/** @throws DatasetError when a split's files are missing or wrong. */
export function gridDataOf(dataset: RetrievalDataset, splits: Iterable<SplitName>): GridData {
  return Object.fromEntries(
    [...new Set(splits)].map((name) => {
      const split = dataset.split(name);
      const { triplets, epochTripletCount } = split;
      const images = imagesOf(split);
      const wordings = triplets.flatMap(({ paraphrases = [] }) => paraphrases);
      const others = [...split.images, ...(split.trainingTexts?.() ?? []), ...wordings];
      return [
        name,
        {
          triplets: Math.max(triplets.length, epochTripletCount),
          images: images.size,
          ...checksumsOf(dataset, { triplets, others, images }),
        },
      ];
    }),
  );
}

/** What has changed in the splits that both have, in words. */
export function dataDifferences(then: GridData, now: GridData): readonly string[] {
  return Object.entries(now).flatMap(([split, is]) => {
    const was = then[split];
    if (!was) return [];
    const counts = (["triplets", "images"] as const).flatMap((what) =>
      was[what] === is[what] ? [] : [`${what} of ${split}: ${was[what]}, now ${is[what]}`],
    );
    if (counts.length > 0) return counts;
    return [
      ...(was.content === is.content
        ? []
        : [`triplets, texts or galleries of ${split}: as many, but others`]),
      ...(was.files === is.files ? [] : [`image files of ${split}: as many, but other names or sizes`]),
    ];
  });
}
