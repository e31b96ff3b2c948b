/**
 * CIRR (Liu et al., ICCV 2021) as it is published, version rc2:
 *
 *   captions/cap.rc2.{train,val,test1}.json        [{pairid, reference, target_hard, caption, img_set: {members: [six]}}]
 *   image_splits/split.rc2.{train,val,test1}.json  {image name: "./dev/dev-244-0-img0.png"}
 *   img_raw/{train/{0..99},dev,test1}/{name}.png   NLVR2's pictures; without img_raw/ too, and in other image formats
 *
 * "target_hard" is the target; "test1", here `test`, has none. A query is also ranked within its `img_set`, six similar
 * images of which one is its reference. "target_soft" and captions_ext/ are not used.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { DatasetError } from "../../errors.js";
import { readJsonArray, readJsonFile } from "../../files/read-json.js";
import { isPlainName, safeRelativePath } from "../fetch/safe-path.js";
import { FixedSplit } from "../fixed-split.js";
import {
  type DatasetSplit,
  type PublishedEvaluation,
  type Query,
  type RetrievalDataset,
  type SplitName,
  type SubmissionFile,
  splitNames,
  type Triplet,
} from "../triplet.js";
import type { DatasetKind } from "./dataset-kind.js";
import { imageAt } from "./image-index.js";
import { requireUniqueIds } from "./unique-ids.js";

const publishedNames = { train: "train", val: "val", test: "test1" } as const satisfies Record<
  SplitName,
  string
>;
const captionFile = (root: string, split: SplitName) =>
  join(root, "captions", `cap.rc2.${publishedNames[split]}.json`);
const listFile = (root: string, split: SplitName) =>
  join(root, "image_splits", `split.rc2.${publishedNames[split]}.json`);
const nextStep = "see docs/data.md, CIRR, for the layout and where to get the files";

/** All images of a split are ranked together. */
const category = "all";

/** What the server takes, which keeps the targets of test1. */
const submission: readonly SubmissionFile[] = [
  {
    suffix: "",
    head: { version: "rc2", metric: "recall" },
    depth: 50,
    among: "gallery",
    hasNumbers: false,
  },
  {
    suffix: "-subset",
    head: { version: "rc2", metric: "recall_subset" },
    depth: 3,
    among: "subset",
    hasNumbers: false,
  },
];

/** How such a folder is told from others, and opened. */
export const cirrKind: DatasetKind = {
  layout: "captions/cap.rc2.{train|val|test1}.json",
  isAt: (root) => splitNames.some((split) => existsSync(captionFile(root, split))),
  open: openCirr,
};

/**
 * Opens a folder in CIRR's layout. Annotations of a split are read when it is asked for.
 * @throws DatasetError when there are no caption files.
 */
export function openCirr(root: string): RetrievalDataset {
  if (cirrKind.isAt(root)) return new Cirr(root);
  throw new DatasetError(
    `${join(root, "captions")}: has no cap.rc2.{train|val|test1}.json; got another folder; ${nextStep}`,
  );
}

const mustBeName = "must be an image's name without slashes or a leading dot";
const imageName = z.string(mustBeName).refine(isPlainName, mustBeName);
const mustBePath = "must be a path inside the image folder";
const imagePath = z
  .string(mustBePath)
  .refine((path) => safeRelativePath(path) !== undefined, mustBePath)
  .transform((path) => safeRelativePath(path) ?? "");
const imageList = z
  .record(z.string(), imagePath, "must be an object of image names and paths")
  .superRefine((paths, context) => {
    for (const name of Object.keys(paths)) {
      if (!isPlainName(name)) context.addIssue({ code: "custom", path: [name], message: mustBeName });
    }
  });
const mustBeSet = 'must be an object with the list "members"';
const captionEntry = z.object(
  {
    pairid: z.int("must be a whole number").nonnegative("must not be negative"),
    reference: imageName,
    target_hard: imageName.optional(),
    caption: z.string("must be a string"),
    img_set: z.object({ members: z.array(imageName, "must be a list of image names") }, mustBeSet),
  },
  "must be an object",
);
const targetedEntry = captionEntry.extend({ target_hard: imageName });

class Cirr implements RetrievalDataset {
  readonly name = "cirr";
  readonly root: string;
  readonly categories = [category];
  readonly splits: readonly SplitName[];
  readonly evaluation: PublishedEvaluation = {
    split: "val",
    protocol: "original",
    alsoMeasured: ["r5", "subset1", "subset2", "subset3"],
    compared: ["r5", "subset1"],
  };
  readonly submission = submission;
  readonly imagesExpectedAt: string;
  readonly #lists = new Map<SplitName, ReadonlyMap<string, string>>();
  readonly #files = new Map<string, string | undefined>();

  constructor(root: string) {
    this.root = root;
    this.splits = splitNames.filter((split) => existsSync(captionFile(root, split)));
    this.imagesExpectedAt = join(root, "img_raw", "{path of image_splits/}");
  }

  split(name: SplitName): DatasetSplit {
    const list = this.#list(name);
    const file = captionFile(this.root, name);
    const entries = readJsonArray(file, entrySchema(name, list), nextStep);
    // Nothing goes by the ids of train.
    if (name !== "train")
      requireUniqueIds(file, { field: "pairid", ids: entries.map((entry) => entry.pairid) });
    const triplets: Triplet[] = [];
    const untargeted: Query[] = [];
    for (const { pairid, reference, target_hard: target, caption, img_set } of entries) {
      const subset = [...new Set(img_set.members)].filter((member) => member !== reference);
      const query = { id: String(pairid), reference, captions: [caption], category, subset };
      if (target === undefined) untargeted.push(query);
      else triplets.push({ ...query, target });
    }
    return new FixedSplit({ name, triplets, untargeted, images: new Map([[category, [...list.keys()]]]) });
  }

  imagePath(id: string): string | undefined {
    if (!this.#files.has(id)) this.#files.set(id, this.#findImage(id));
    return this.#files.get(id);
  }

  #findImage(id: string): string | undefined {
    for (const split of splitNames) {
      if (!existsSync(listFile(this.root, split))) continue;
      const path = this.#list(split).get(id);
      if (path !== undefined) return imageAt(join(this.root, "img_raw"), path) ?? imageAt(this.root, path);
    }
    return undefined;
  }

  /** Path of each image of a split, by name. */
  #list(split: SplitName): ReadonlyMap<string, string> {
    const known = this.#lists.get(split);
    if (known) return known;
    const list = new Map(Object.entries(readJsonFile(listFile(this.root, split), imageList, nextStep)));
    this.#lists.set(split, list);
    return list;
  }
}

/**
 * An entry of a caption file. Training can do without an image that is not listed, as without one that is missing; an
 * evaluation that lacks one would give other numbers than the published.
 */
function entrySchema(
  name: SplitName,
  list: ReadonlyMap<string, string>,
): z.ZodType<z.output<typeof captionEntry>> {
  if (name === "train") return targetedEntry;
  return (name === "val" ? targetedEntry : captionEntry).superRefine((entry, context) => {
    const { reference, target_hard: target, img_set } = entry;
    const report = (path: (string | number)[], message: string) =>
      context.addIssue({ code: "custom", path, message });
    const mustBeListed = `must be listed in image_splits/split.rc2.${publishedNames[name]}.json`;
    if (!list.has(reference)) report(["reference"], mustBeListed);
    if (target !== undefined && !img_set.members.includes(target)) {
      report(["target_hard"], 'must be one of "img_set.members"');
    }
    for (const [i, member] of img_set.members.entries()) {
      if (!list.has(member)) report(["img_set", "members", i], mustBeListed);
    }
  });
}
