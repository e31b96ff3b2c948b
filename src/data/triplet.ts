/** The task's vocabulary: triplets, splits, and the one type that every data set translates to. */
import type { Random } from "../engine/tensor/random.js";

/** The parts a data set is published in, in the order they are used. */
export const splitNames = ["train", "val", "test"] as const;
export type SplitName = (typeof splitNames)[number];

/** A reference image and its modification text. Images are ids: `RetrievalDataset.imagePath` finds the file. */
export interface Query {
  /** What the annotations call the query, where they do: a submission names it so. */
  readonly id?: string | undefined;
  readonly reference: string;
  /** The modification text as it was written, one string per annotator; may be empty or untrimmed. */
  readonly captions: readonly string[];
  /** The same change in other words, each like `captions`; for evaluation, never trained on. */
  readonly paraphrases?: readonly (readonly string[])[] | undefined;
  /** The group whose gallery the query is ranked against. */
  readonly category: string;
  /** The few similar images that it is ranked against too, its reference not among them (CIRR). */
  readonly subset?: readonly string[] | undefined;
}

/** A query and the image that answers it. */
export interface Triplet extends Query {
  readonly target: string;
  /** Every image that counts as found, `target` included; where absent, only `target` does. */
  readonly hits?: readonly string[];
  /**
   * Every image that was judged to answer the query, `target` included, where that was done (CIRCO). Average precision
   * counts them all; recall counts the target alone, and another of them ahead of it costs it a rank.
   */
  readonly relevant?: readonly string[] | undefined;
}

/** One split of a data set. Nothing here opens an image. */
export interface DatasetSplit {
  readonly name: SplitName;
  /** The published triplets in file order; empty where training pairs are drawn (Fashion200k's train). */
  readonly triplets: readonly Triplet[];
  /** Queries whose target was not published (FashionIQ's test). */
  readonly untargeted: readonly Query[];
  /** Every image of the split by category, as the data set lists them; a category's largest gallery. */
  readonly images: ReadonlyMap<string, readonly string[]>;
  /** How many triplets `drawEpoch` gives. */
  readonly epochTripletCount: number;
  /** Texts that hold every word of any epoch's captions; needed where triplets are drawn, not listed. */
  trainingTexts?(): Iterable<string>;
  /** The triplets of one training epoch, in the order they are learned; equal streams give equal epochs. */
  drawEpoch(random: Random): readonly Triplet[];
  /** The same split with only the images for which `isAvailable`, and what can be asked with them. */
  restrict(isAvailable: (imageId: string) => boolean): DatasetSplit;
}

/** What a query is ranked against; `src/evaluation/protocols.ts` says what each means. */
export const galleryProtocols = ["val-split", "original"] as const;
export type GalleryProtocol = (typeof galleryProtocols)[number];

/** Is the query's own reference image taken out of its ranking? VAL to AMC do, CLIP4Cir does not. */
export const referenceRules = ["removed", "kept"] as const;
export type ReferenceRule = (typeof referenceRules)[number];

/**
 * What can be measured of a query's ranking, in the order of tables: mean average precision at K, recall at K, and recall
 * at K within the query's subset. `src/evaluation/metrics.ts` says what each is.
 */
export const metricNames = [
  "map5",
  "map10",
  "map25",
  "map50",
  "r1",
  "r5",
  "r10",
  "r25",
  "r50",
  "subset1",
  "subset2",
  "subset3",
] as const;
export type MetricName = (typeof metricNames)[number];

/** How a data set's published results are measured: what is done unless something else is asked for. */
export interface PublishedEvaluation {
  readonly split: SplitName;
  readonly protocol: GalleryProtocol;
  /** `removed` where it is not said. */
  readonly reference?: ReferenceRule;
  /** What its tables have besides R@1, R@10 and R@50, which are always measured. */
  readonly alsoMeasured?: readonly MetricName[];
  /** The metrics whose unweighted mean, over the categories too, is the one number that tables compare. */
  readonly compared: readonly MetricName[];
}

/** A file that the server of a data set takes, which keeps the targets of a split to itself: the best answers by query. */
export interface SubmissionFile {
  /** Added to the name that the user gives, before its ending: "" or "-subset". */
  readonly suffix: string;
  /** Fields that stand before the queries. */
  readonly head: Readonly<Record<string, string>>;
  /** Answers of each query, best first. */
  readonly depth: number;
  /** What they are chosen from. */
  readonly among: "gallery" | "subset";
  /** Are the images' ids numbers in the file? */
  readonly hasNumbers: boolean;
}

/** As FashionIQ is evaluated in the paper: the six R@10 and R@50 of three categories. */
export const usualEvaluation: PublishedEvaluation = {
  split: "val",
  protocol: "val-split",
  compared: ["r10", "r50"],
};

/** A data set, whatever its files look like. */
export interface RetrievalDataset {
  /** As it stands beside results: "fashioniq". */
  readonly name: string;
  /** The folder it was read from. */
  readonly root: string;
  /** Sorted. */
  readonly categories: readonly string[];
  /** The splits whose files are there, in order of use; all of them where it is not said. */
  readonly splits?: readonly SplitName[];
  /** `usualEvaluation` where it is not said. */
  readonly evaluation?: PublishedEvaluation;
  /** Absent where no server measures answers. */
  readonly submission?: readonly SubmissionFile[];
  /** Where image files are looked for, in words, for messages. */
  readonly imagesExpectedAt: string;
  /** Reads one split. @throws DatasetError when its files are missing or wrong. */
  split(name: SplitName): DatasetSplit;
  /** File of an image, or undefined where there is none; never a file outside the data set's folder. */
  imagePath(imageId: string): string | undefined;
  /** Images whose files cannot be decoded, and why, where that was looked at (`withoutBroken`); these have no path. */
  readonly broken?: ReadonlyMap<string, string>;
}

/** The images that answer a triplet. */
export function hitsOf(triplet: Triplet): readonly string[] {
  return triplet.hits ?? [triplet.target];
}
