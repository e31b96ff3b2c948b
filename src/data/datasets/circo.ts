/**
 * CIRCO (Baldrati et al., ICCV 2023) as it is published, with COCO's unlabeled pictures of 2017 as its gallery:
 *
 *   annotations/{val,test}.json    [{id, reference_img_id, relative_caption, target_img_id, gt_img_ids: [ids]}]
 *   COCO2017_unlabeled/annotations/image_info_unlabeled2017.json   {images: [{id, file_name}]}
 *   COCO2017_unlabeled/unlabeled2017/{file_name}                   in other image formats too
 *
 * "gt_img_ids" are all the images that answer a query, "target_img_id" the one that its caption was written for; `test`
 * has neither. There is no split to train on. "shared_concept" and "semantic_aspects" are not used.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { DatasetError } from "../../errors.js";
import { readJsonArray, readJsonFile } from "../../files/read-json.js";
import { isPlainName } from "../fetch/safe-path.js";
import { FixedSplit } from "../fixed-split.js";
import type {
  DatasetSplit,
  PublishedEvaluation,
  Query,
  RetrievalDataset,
  SplitName,
  SubmissionFile,
  Triplet,
} from "../triplet.js";
import type { DatasetKind } from "./dataset-kind.js";
import { indexImages, withoutImageEnding } from "./image-index.js";
import { requireUniqueIds } from "./unique-ids.js";

const publishedSplits = ["val", "test"] as const;
const annotationFile = (root: string, split: "val" | "test") => join(root, "annotations", `${split}.json`);
const infoFile = "COCO2017_unlabeled/annotations/image_info_unlabeled2017.json";
const imageFolder = "COCO2017_unlabeled/unlabeled2017";
const nextStep = "see docs/data.md, CIRCO, for the layout and where to get the files";

/** Every picture is ranked against every other. */
const category = "all";

/** What the server takes, which keeps the answers of `test`. */
const submission: readonly SubmissionFile[] = [
  { suffix: "", head: {}, depth: 50, among: "gallery", hasNumbers: true },
];

/** How such a folder is told from others, and opened. */
export const circoKind: DatasetKind = {
  layout: "annotations/{val|test}.json",
  isAt: (root) => publishedSplits.some((split) => existsSync(annotationFile(root, split))),
  open: openCirco,
};

/**
 * Opens a folder in CIRCO's layout. Annotations of a split are read when it is asked for.
 * @throws DatasetError when there are no annotations.
 */
export function openCirco(root: string): RetrievalDataset {
  if (circoKind.isAt(root)) return new Circo(root);
  throw new DatasetError(
    `${join(root, "annotations")}: has neither val.json nor test.json; got another folder; ${nextStep}`,
  );
}

const imageInfo = z.object(
  {
    images: z.array(
      z.object(
        {
          id: z.int("must be a whole number").nonnegative("must not be negative"),
          file_name: z
            .string("must be a file name")
            .refine(isPlainName, "must be a file name without a path"),
        },
        "must be an object",
      ),
      "must be a list of images",
    ),
  },
  'must be an object with the list "images"',
);

/** An entry of the annotations; `val` has its targets. */
function entrySchema(split: "val" | "test", isListed: (id: number) => boolean) {
  const imageId = z
    .int("must be an image's number")
    .refine(isListed, `must be the id of an image in ${infoFile}`);
  const imageIds = z.array(imageId, "must be a list of images' numbers");
  const query = z.object(
    {
      id: z.int("must be a whole number").nonnegative("must not be negative"),
      reference_img_id: imageId,
      relative_caption: z.string("must be a string"),
      target_img_id: imageId.optional(),
      gt_img_ids: imageIds.optional(),
    },
    "must be an object",
  );
  const entry: z.ZodType<z.output<typeof query>> =
    split === "val" ? query.extend({ target_img_id: imageId, gt_img_ids: imageIds }) : query;
  return entry.refine(
    ({ target_img_id: target, gt_img_ids: relevant = [] }) =>
      target === undefined || relevant.includes(target),
    { path: ["gt_img_ids"], message: 'must hold "target_img_id"' },
  );
}

class Circo implements RetrievalDataset {
  readonly name = "circo";
  readonly root: string;
  readonly categories = [category];
  readonly splits: readonly SplitName[];
  readonly evaluation: PublishedEvaluation = {
    split: "val",
    protocol: "original",
    reference: "kept",
    alsoMeasured: ["map5", "map10", "map25", "map50", "r5", "r25"],
    compared: ["map5"],
  };
  readonly submission = submission;
  readonly imagesExpectedAt: string;
  #fileNames: ReadonlyMap<string, string> | undefined;
  #images: ReadonlyMap<string, string> | undefined;

  constructor(root: string) {
    this.root = root;
    this.splits = publishedSplits.filter((split) => existsSync(annotationFile(root, split)));
    this.imagesExpectedAt = join(root, imageFolder, "{file_name}");
  }

  split(name: SplitName): DatasetSplit {
    if (name === "train") {
      throw new DatasetError(
        `${this.root}: CIRCO has the splits val and test; got train; ` +
          "train on another data set, such as CIRR, and evaluate the run on this one",
      );
    }
    const fileNames = this.#listed();
    const file = annotationFile(this.root, name);
    const schema = entrySchema(name, (id) => fileNames.has(String(id)));
    const entries = readJsonArray(file, schema, nextStep);
    requireUniqueIds(file, { field: "id", ids: entries.map(({ id }) => id) });
    const triplets: Triplet[] = [];
    const untargeted: Query[] = [];
    for (const {
      id,
      reference_img_id,
      relative_caption,
      target_img_id: target,
      gt_img_ids = [],
    } of entries) {
      const reference = String(reference_img_id);
      const query = { id: String(id), reference, captions: [relative_caption], category };
      if (target === undefined) untargeted.push(query);
      else {
        const relevant = [...new Set(gt_img_ids)].map(String);
        triplets.push({ ...query, target: String(target), relevant });
      }
    }
    return new FixedSplit({
      name,
      triplets,
      untargeted,
      images: new Map([[category, [...fileNames.keys()]]]),
    });
  }

  imagePath(id: string): string | undefined {
    const fileName = this.#listed().get(id);
    if (fileName === undefined) return undefined;
    this.#images ??= indexImages(join(this.root, imageFolder), 0);
    return this.#images.get(withoutImageEnding(fileName));
  }

  /** File name of each picture of the gallery, by id. */
  #listed(): ReadonlyMap<string, string> {
    if (!this.#fileNames) {
      const { images } = readJsonFile(join(this.root, infoFile), imageInfo, nextStep);
      this.#fileNames = new Map(images.map(({ id, file_name }) => [String(id), file_name]));
    }
    return this.#fileNames;
  }
}
