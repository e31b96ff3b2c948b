/**
 * FashionIQ (Wu et al., CVPR 2021) as it is published, and any data set in its layout:
 *
 *   captions/cap.{category}.{split}.json         [{target, candidate, captions: [two]}]; paraphrases: [[two]] if wanted
 *   image_splits/split.{category}.{split}.json   [image id]
 *   images/{id}.jpg, or images/{category}/{id}.jpg; png, jpeg and webp too; public copies also call the folder
 *   image_data or resized_image
 *
 * "Candidate" is FashionIQ's word for the reference image. The published test split has no "target".
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { DatasetError } from "../../errors.js";
import { readJsonArray } from "../../files/read-json.js";
import { FixedSplit } from "../fixed-split.js";
import {
  type DatasetSplit,
  type Query,
  type RetrievalDataset,
  type SplitName,
  splitNames,
  type Triplet,
} from "../triplet.js";
import type { DatasetKind } from "./dataset-kind.js";
import { fileNames, indexImages } from "./image-index.js";

/**
 * Opens a folder in FashionIQ's layout. Annotations of a split are read when it is asked for, so
 * the files of other splits may be absent; images may be absent altogether.
 * @throws DatasetError when there are no caption files.
 */
export function openFashionIq(root: string): RetrievalDataset {
  return new FashionIq(root, findCategories(root));
}

/** How such a folder is told from others, and opened. */
export const fashionIqKind: DatasetKind = {
  layout: "captions/cap.{category}.{split}.json",
  isAt: (root) => fileNames(join(root, "captions")).some((file) => captionFilePattern.test(file)),
  open: openFashionIq,
};

/** "rc2" is no category but the version of CIRR's files, which are named alike. */
const captionFilePattern = /^cap\.(?!rc2\.)(.+)\.(?:train|val|test)\.json$/;
const imageFolders = ["images", "image_data", "resized_image"];
const nextStep = "see docs/data.md for the layout and where to get the files";

/** An id names a file below images/ and must not lead out of it. */
const imageId = z
  .string("must be an image id")
  .regex(/^(?!\.)[^\p{Cc}/\\]{1,200}$/u, "must be an image id without slashes or a leading dot");
const captions = z
  .array(z.string("must be a string"), "must be two strings")
  .length(2, "must be two strings");
const paraphrases = z.array(captions, "must be a list of two strings each").optional();
const queryEntry = z.object({ candidate: imageId, captions, paraphrases }, "must be an object");
const tripletEntry = queryEntry.extend({ target: imageId });
const testEntry = queryEntry.extend({ target: imageId.optional() });

class FashionIq implements RetrievalDataset {
  readonly name = "fashioniq";
  readonly root: string;
  readonly categories: readonly string[];
  readonly splits: readonly SplitName[];
  readonly imagesExpectedAt: string;
  #images: ReadonlyMap<string, string> | undefined;

  constructor(root: string, categories: readonly string[]) {
    this.root = root;
    this.categories = categories;
    this.splits = splitNames.filter((split) =>
      categories.some((category) => existsSync(captionFile(root, category, split))),
    );
    this.imagesExpectedAt = join(root, "images", "{id}.jpg");
  }

  split(name: SplitName): DatasetSplit {
    const images = new Map(this.categories.map((category) => [category, this.#imageList(category, name)]));
    const triplets: Triplet[] = [];
    const untargeted: Query[] = [];
    for (const category of this.categories) {
      const file = captionFile(this.root, category, name);
      for (const entry of readJsonArray(file, name === "test" ? testEntry : tripletEntry, nextStep)) {
        const { candidate: reference, captions, paraphrases } = entry;
        const query = { reference, captions, paraphrases, category };
        if (entry.target === undefined) untargeted.push(query);
        else triplets.push({ ...query, target: entry.target });
      }
    }
    return new FixedSplit({ name, triplets, untargeted, images });
  }

  imagePath(id: string): string | undefined {
    // Of an image in several folders, the first folder's is taken.
    this.#images ??= new Map(
      imageFolders.toReversed().flatMap((folder) => [...indexImages(join(this.root, folder), 1)]),
    );
    return this.#images.get(id);
  }

  #imageList(category: string, split: SplitName): readonly string[] {
    const file = join(this.root, "image_splits", `split.${category}.${split}.json`);
    return [...new Set(readJsonArray(file, imageId, nextStep))];
  }
}

function captionFile(root: string, category: string, split: SplitName): string {
  return join(root, "captions", `cap.${category}.${split}.json`);
}

function findCategories(root: string): readonly string[] {
  const folder = join(root, "captions");
  let files: string[];
  try {
    files = readdirSync(folder);
  } catch (cause) {
    throw new DatasetError(`${folder}: folder cannot be read; got ${cause}; ${nextStep}`, { cause });
  }
  const categories = files.flatMap((file) => captionFilePattern.exec(file)?.[1] ?? []);
  if (categories.length === 0) {
    throw new DatasetError(
      `${folder}: has no cap.{category}.{split}.json; got ${files.length} other files; ${nextStep}`,
    );
  }
  return [...new Set(categories)].sort();
}
