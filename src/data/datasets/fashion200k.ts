/**
 * Fashion200k (Han et al., ICCV 2017) with the queries of TIRG (Vo et al., CVPR 2019), as they are published:
 *
 *   labels/{category}_{train|test}_detect_all.txt   path<TAB>detection score<TAB>caption
 *   test_queries.txt                                source path<space>target path
 *   women/{...}/{product}/{view}.jpeg               the images, at the paths of the label files
 *
 * An image's id is its path. All images are ranked together; an answer is right when its caption is the target's.
 * Training pairs are drawn (`fashion200k-pairs.ts`).
 */
import { join } from "node:path";
import { DatasetError } from "../../errors.js";
import { FixedSplit } from "../fixed-split.js";
import type { DatasetSplit, PublishedEvaluation, RetrievalDataset, SplitName, Triplet } from "../triplet.js";
import type { DatasetKind } from "./dataset-kind.js";
import { CaptionPairs, replacementText } from "./fashion200k-pairs.js";
import { fileNames, imageAt, withoutImageEnding } from "./image-index.js";
import { LineProblem, readLines } from "./read-lines.js";

const labelPattern = /_(train|test)_detect_all\.txt$/;
const queriesFile = "test_queries.txt";
const nextStep = "see docs/data.md for the layout and where to get the files";

/** Every image is ranked against every other. */
const category = "all";

/** How such a folder is told from others, and opened. */
export const fashion200kKind: DatasetKind = {
  layout: "labels/{category}_{train|test}_detect_all.txt",
  isAt: (root) => fileNames(join(root, "labels")).some((file) => labelPattern.test(file)),
  open: openFashion200k,
};

/** Opens a folder in Fashion200k's layout. @throws DatasetError when it has no label files. */
export function openFashion200k(root: string): RetrievalDataset {
  const files = fileNames(join(root, "labels"));
  if (!files.some((file) => labelPattern.test(file))) {
    throw new DatasetError(
      `${join(root, "labels")}: has no {category}_{train|test}_detect_all.txt; ` +
        `got ${files.length} other files; ${nextStep}`,
    );
  }
  return new Fashion200k(root, files);
}

class Fashion200k implements RetrievalDataset {
  readonly name = "fashion200k";
  readonly root: string;
  readonly categories = [category];
  readonly splits: readonly SplitName[];
  readonly evaluation: PublishedEvaluation = {
    split: "test",
    protocol: "original",
    compared: ["r1", "r10", "r50"],
  };
  readonly imagesExpectedAt: string;
  readonly #labelFiles: Readonly<Record<"train" | "test", readonly string[]>>;
  readonly #paths = new Map<string, string | undefined>();

  constructor(root: string, files: readonly string[]) {
    this.root = root;
    const ofSplit = (split: string) => files.filter((file) => labelPattern.exec(file)?.[1] === split);
    this.#labelFiles = { train: ofSplit("train"), test: ofSplit("test") };
    this.splits = (["train", "test"] as const).filter((split) => this.#labelFiles[split].length > 0);
    this.imagesExpectedAt = join(root, "{path of the label file}");
  }

  split(name: SplitName): DatasetSplit {
    if (name === "val") {
      throw new DatasetError(`${this.root}: Fashion200k has the splits train and test; got val`);
    }
    const captions = this.#captions(name);
    return name === "train"
      ? new CaptionPairs(captions, category)
      : new FixedSplit({
          name,
          triplets: this.#queries(captions),
          images: new Map([[category, [...captions.keys()]]]),
        });
  }

  /** The path itself, or the same with another image's ending. */
  imagePath(id: string): string | undefined {
    if (!this.#paths.has(id)) {
      this.#paths.set(id, isImagePath(id) ? imageAt(this.root, id) : undefined);
    }
    return this.#paths.get(id);
  }

  /** Caption of each image of a split; the first one where an image is labelled twice. */
  #captions(split: "train" | "test"): ReadonlyMap<string, string> {
    const files = this.#labelFiles[split];
    if (files.length === 0) {
      const expected = join(this.root, "labels", `{category}_${split}_detect_all.txt`);
      throw new DatasetError(`${expected}: there is no such file; ${nextStep}`);
    }
    const captions = new Map<string, string>();
    for (const file of files) {
      for (const { path, caption } of readLines(join(this.root, "labels", file), parseLabel, nextStep)) {
        if (!captions.has(path)) captions.set(path, caption);
      }
    }
    return captions;
  }

  #queries(captions: ReadonlyMap<string, string>): readonly Triplet[] {
    // One list for all queries with the same answer: there are 33,480 queries.
    const imagesOf = new Map<string, string[]>();
    for (const [id, caption] of captions) {
      const images = imagesOf.get(caption);
      if (images) images.push(id);
      else imagesOf.set(caption, [id]);
    }
    const parse = (line: string): Triplet | LineProblem => {
      const [reference = "", target = "", ...others] = line.trim().split(/\s+/);
      if (target === "" || others.length > 0) return new LineProblem("must be two image paths");
      const [from, to] = [captions.get(reference), captions.get(target)];
      if (from === undefined || to === undefined) {
        const unknown = from === undefined ? reference : target;
        return new LineProblem(`${unknown} must be in a label file of the test split`);
      }
      const text = replacementText(from, to);
      return { reference, target, captions: [text], category, hits: imagesOf.get(to) ?? [target] };
    };
    return readLines(join(this.root, queriesFile), parse, nextStep);
  }
}

function parseLabel(line: string): { readonly path: string; readonly caption: string } | LineProblem {
  const [path, score, caption] = line.split("\t");
  if (path === undefined || score === undefined || caption === undefined) {
    return new LineProblem("must be path, detection score and caption with tabs between them");
  }
  if (!isImagePath(path)) return new LineProblem("must begin with an image's path inside the folder");
  if (score.trim() === "" || !Number.isFinite(Number(score))) {
    return new LineProblem("the detection score must be a number");
  }
  return { path, caption: spellMarks(caption.trim()) };
}

const marks: Readonly<Record<string, string>> = {
  ".": "dotmark",
  "?": "questionmark",
  "&": "andmark",
  "*": "starmark",
};

/** Punctuation as words, as TIRG's code writes it. */
function spellMarks(caption: string): string {
  return caption.replace(/[.?&*]/g, (mark) => marks[mark] ?? mark);
}

/** A relative path to an image, without white space, hidden parts or any way out of the folder. */
function isImagePath(path: string): boolean {
  return (
    path.length <= 500 &&
    /^[^\p{Cc}\s\\:]+$/u.test(path) &&
    path.split("/").every((part) => part !== "" && !part.startsWith(".")) &&
    withoutImageEnding(path) !== path
  );
}
