/**
 * Shoes: relative captions (Guo et al., NeurIPS 2018) on images of the Attribute Discovery data set
 * (Berg et al., ECCV 2010), as they are published:
 *
 *   relative_captions_shoes.json   [{ImageName, ReferenceImageName, RelativeCaption}]
 *   train_im_names.txt             10,000 file names, one a line
 *   eval_im_names.txt              4,658 file names: the gallery
 *   anywhere below the folder      img_womens_athletic_shoes_375.jpg, ...
 *
 * "ImageName" is the target. The evaluation part is the split `val`; there is no other. An image's id is its file
 * name without the ending, so copies in another format are found too.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { DatasetError } from "../../errors.js";
import { readJsonArray } from "../../files/read-json.js";
import { FixedSplit } from "../fixed-split.js";
import type { DatasetSplit, PublishedEvaluation, RetrievalDataset, SplitName, Triplet } from "../triplet.js";
import type { DatasetKind } from "./dataset-kind.js";
import { indexImages, withoutImageEnding } from "./image-index.js";
import { LineProblem, readLines } from "./read-lines.js";

const captionsFile = "relative_captions_shoes.json";
const nameFiles = { train: "train_im_names.txt", val: "eval_im_names.txt" } as const;
const nextStep = "see docs/data.md for the layout and where to get the files";

/** All shoes are ranked together. */
const category = "all";

/** How such a folder is told from others, and opened. */
export const shoesKind: DatasetKind = {
  layout: captionsFile,
  isAt: (root) => existsSync(join(root, captionsFile)),
  open: openShoes,
};

/** Opens a folder in Shoes' layout. @throws DatasetError when the captions are not there. */
export function openShoes(root: string): RetrievalDataset {
  if (!shoesKind.isAt(root)) {
    throw new DatasetError(`${join(root, captionsFile)}: file is missing; ${nextStep}`);
  }
  return new Shoes(root);
}

const namePattern = /^(?!\.)[^\p{Cc}/\\]{1,200}$/u;
const imageName = z
  .string("must be a file name")
  .regex(namePattern, "must be a file name without slashes or a leading dot")
  .transform(withoutImageEnding);

class Shoes implements RetrievalDataset {
  readonly name = "shoes";
  readonly root: string;
  readonly categories = [category];
  readonly splits = ["train", "val"] as const;
  readonly evaluation: PublishedEvaluation = {
    split: "val",
    protocol: "original",
    compared: ["r1", "r10", "r50"],
  };
  readonly imagesExpectedAt: string;
  #images: ReadonlyMap<string, string> | undefined;

  constructor(root: string) {
    this.root = root;
    this.imagesExpectedAt = `${join(root, "{any folders}", "{name}.jpg")}`;
  }

  split(name: SplitName): DatasetSplit {
    if (name === "test") {
      throw new DatasetError(`${this.root}: Shoes has the splits train and val (its eval part); got test`);
    }
    const names = { train: this.#names("train"), val: this.#names("val") };
    const listed = { train: new Set(names.train), val: new Set(names.val) };
    const splitOf = (id: string) => (listed.train.has(id) ? "train" : listed.val.has(id) ? "val" : undefined);
    const entry = z
      .object(
        {
          ImageName: imageName.refine(
            (id) => splitOf(id) !== undefined,
            `must be listed in ${nameFiles.train} or ${nameFiles.val}`,
          ),
          ReferenceImageName: imageName,
          RelativeCaption: z.string("must be a string"),
        },
        "must be an object",
      )
      .refine(
        ({ ImageName, ReferenceImageName }) =>
          splitOf(ImageName) === undefined || splitOf(ImageName) === splitOf(ReferenceImageName),
        {
          path: ["ReferenceImageName"],
          message: 'must be listed in the file that lists "ImageName"',
        },
      );
    const triplets = readJsonArray(join(this.root, captionsFile), entry, nextStep)
      .filter(({ ImageName }) => splitOf(ImageName) === name)
      .map(
        ({ ImageName, ReferenceImageName, RelativeCaption }): Triplet => ({
          reference: ReferenceImageName,
          target: ImageName,
          captions: [RelativeCaption],
          category,
        }),
      );
    return new FixedSplit({ name, triplets, images: new Map([[category, names[name]]]) });
  }

  imagePath(id: string): string | undefined {
    this.#images ??= indexImages(this.root, Number.POSITIVE_INFINITY);
    return this.#images.get(id);
  }

  #names(split: "train" | "val"): readonly string[] {
    const parse = (line: string) =>
      namePattern.test(line.trim())
        ? withoutImageEnding(line.trim())
        : new LineProblem("must be a file name without slashes or a leading dot");
    return [...new Set(readLines(join(this.root, nameFiles[split]), parse, nextStep))];
  }
}
