/**
 * Plain triplets, as `sdfn triplets` writes them or anyone by hand:
 *
 *   triplets.{train,val,test}.jsonl   {"reference", "target", "text"} a line; "category", "hits", "paraphrases" if wanted
 *   triplets.jsonl                    or all in one file, with "split" in the lines that are not train
 *   images/                           pictures by id; an id may also be a path below the image root
 *   items.jsonl, dataset.json         optional: all images with their paths, and where the image root is
 */
import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { DatasetError } from "../../errors.js";
import { FixedSplit } from "../fixed-split.js";
import {
  type DatasetSplit,
  type RetrievalDataset,
  type SplitName,
  splitNames,
  type Triplet,
} from "../triplet.js";
import { type AnswerKind, answerKinds, type DatasetKind } from "./dataset-kind.js";
import { indexImages } from "./image-index.js";
import {
  type ItemLine,
  itemLine,
  readJsonLines,
  readManifest,
  type TripletLine,
  type TripletsManifest,
  tripletLine,
  tripletsFiles,
} from "./triplets-files.js";

export interface TripletsOptions {
  /**
   * What counts as found: `target` alone, or every item of the split that is like it in all `attributes`. The
   * manifest's choice by default. Without attributes in items.jsonl both are the target and the line's own hits.
   */
  readonly answers?: AnswerKind | undefined;
}

/** True for a folder that `openTriplets` is meant for. Nothing is read but names. */
export function isTripletsFolder(dir: string): boolean {
  return [tripletsFiles.together, ...splitNames.map(tripletsFiles.ofSplit)].some((name) =>
    existsSync(join(dir, name)),
  );
}

/**
 * Opens a folder of plain triplets. Where items.jsonl does not say which categories there are, all triplets are read
 * at once; else a split's files are read when it is asked for.
 * @throws DatasetError when the folder has no triplets, or a file that is read is wrong.
 */
export function openTriplets(dir: string, { answers }: TripletsOptions = {}): RetrievalDataset {
  if (!isTripletsFolder(dir)) {
    throw new DatasetError(
      `${dir}: has no triplets.jsonl and no triplets.{train,val,test}.jsonl; see docs/data.md, Plain triplets`,
    );
  }
  return new TripletsFolder(dir, answers);
}

export const tripletsKind: DatasetKind = {
  layout: "triplets.jsonl or triplets.{train,val,test}.jsonl",
  answers: answerKinds,
  isAt: isTripletsFolder,
  open: openTriplets,
};

class TripletsFolder implements RetrievalDataset {
  readonly name: string;
  readonly root: string;
  readonly categories: readonly string[];
  readonly imagesExpectedAt: string;
  readonly #manifest: TripletsManifest;
  readonly #imageRoot: string;
  readonly #items: ReadonlyMap<string, ItemLine>;
  readonly #lines = new Map<string, readonly TripletLine[]>();
  readonly #paths = new Map<string, string | undefined>();
  #images: ReadonlyMap<string, string> | undefined;

  constructor(root: string, answers: AnswerKind | undefined) {
    const manifest = readManifest(join(root, tripletsFiles.manifest));
    this.root = root;
    this.#manifest = {
      format: 1,
      kind: manifest?.kind ?? "triplets",
      imageRoot: manifest?.imageRoot ?? ".",
      answers: answers ?? manifest?.answers ?? "target",
    };
    const isByAttributes = this.#manifest.answers === "attributes";
    // Results under the two ways to count cannot be compared, so the name beside them differs.
    this.name = isByAttributes ? `${this.#manifest.kind}, attribute match` : this.#manifest.kind;
    this.#imageRoot = resolve(root, this.#manifest.imageRoot);
    this.imagesExpectedAt = join(this.#imageRoot, "images", "{id}.jpg");
    this.#items = readItems(join(root, tripletsFiles.items));
    this.categories = this.#readCategories();
  }

  split(name: SplitName): DatasetSplit {
    const items = [...this.#items.values()].filter((item) => item.split === name);
    const alike = this.#manifest.answers === "attributes" ? idsByDesign(items) : undefined;
    const triplets = this.#linesOf(name).map((line) => this.#triplet(line, alike));
    const images = new Map(this.categories.map((category) => [category, new Set<string>()]));
    for (const { id, category } of items) images.get(category)?.add(id);
    for (const { reference, target, hits = [], category } of triplets) {
      for (const id of [reference, target, ...hits]) images.get(category)?.add(id);
    }
    return new FixedSplit({
      name,
      triplets,
      images: new Map([...images].map(([category, ids]) => [category, [...ids]])),
    });
  }

  imagePath(id: string): string | undefined {
    if (!this.#paths.has(id)) this.#paths.set(id, this.#findImage(id));
    return this.#paths.get(id);
  }

  /** The stated file; else one in images/ with that name; else the id is itself a path below the root. */
  #findImage(id: string): string | undefined {
    const stated = this.#items.get(id)?.image;
    if (stated !== undefined) return fileAt(join(this.#imageRoot, stated));
    this.#images ??= indexImages(join(this.#imageRoot, "images"), 1);
    const found = this.#images.get(id);
    if (found !== undefined) return found;
    const isPath =
      !/\\|\p{Cc}/u.test(id) && id.split("/").every((part) => part !== "" && !part.startsWith("."));
    if (!isPath) return undefined;
    return fileAt(join(this.#imageRoot, id)) ?? fileAt(join(this.#imageRoot, "images", id));
  }

  #triplet(
    { reference, target, text, paraphrases, category, hits }: TripletLine,
    alike: ((id: string) => readonly string[]) | undefined,
  ): Triplet {
    const others = [...(alike?.(target) ?? []), ...(hits ?? [])].filter((id) => id !== target);
    const captionsOf = (texts: TripletLine["text"]) => (typeof texts === "string" ? [texts] : texts);
    const triplet = {
      reference,
      target,
      captions: captionsOf(text),
      paraphrases: paraphrases?.map(captionsOf),
      category,
    };
    return others.length > 0 ? { ...triplet, hits: [...new Set([target, ...others])] } : triplet;
  }

  /** Triplet lines of a split, from its own file and from the file of all. @throws DatasetError for a wrong line. */
  #linesOf(name: SplitName): readonly TripletLine[] {
    const own = tripletsFiles.ofSplit(name);
    const hasOwn = existsSync(join(this.root, own));
    if (!hasOwn && !existsSync(join(this.root, tripletsFiles.together))) {
      throw new DatasetError(`${join(this.root, own)}: file is missing; see docs/data.md, Plain triplets`);
    }
    const ownLines = hasOwn ? this.#read(own) : [];
    const stray = ownLines.findIndex(({ split }) => split !== undefined && split !== name);
    if (stray >= 0) {
      throw new DatasetError(
        `${join(this.root, own)}: triplet ${stray + 1}: "split" must be ${name} in this file, or left out; ` +
          `got ${ownLines[stray]?.split}`,
      );
    }
    return [
      ...ownLines,
      ...this.#read(tripletsFiles.together).filter(({ split = "train" }) => split === name),
    ];
  }

  /** A file's lines, read once; none where the file is absent. */
  #read(file: string): readonly TripletLine[] {
    const path = join(this.root, file);
    const lines = this.#lines.get(file) ?? (existsSync(path) ? readJsonLines(path, tripletLine) : []);
    this.#lines.set(file, lines);
    return lines;
  }

  #readCategories(): readonly string[] {
    const categories = new Set([...this.#items.values()].map(({ category }) => category));
    if (this.#items.size > 0 && this.#manifest.kind === "catalogue") return [...categories].sort();
    for (const file of [tripletsFiles.together, ...splitNames.map(tripletsFiles.ofSplit)]) {
      for (const { category } of this.#read(file)) categories.add(category);
    }
    return [...categories].sort();
  }
}

/** Items by id. @throws DatasetError for a wrong line or an id that occurs twice. */
function readItems(file: string): ReadonlyMap<string, ItemLine> {
  const items = new Map<string, ItemLine>();
  if (!existsSync(file)) return items;
  for (const item of readJsonLines(file, itemLine)) {
    if (items.has(item.id)) throw new DatasetError(`${file}: "id" must be unique; got ${item.id} twice`);
    items.set(item.id, item);
  }
  return items;
}

/** For an item, all items that are like it in every attribute, itself included. */
function idsByDesign(items: readonly ItemLine[]): (id: string) => readonly string[] {
  const idsOf = new Map<number, string[]>();
  const designOf = new Map<string, number>();
  for (const { id, alike } of items) {
    if (alike === undefined) continue;
    designOf.set(id, alike);
    const ids = idsOf.get(alike);
    if (ids) ids.push(id);
    else idsOf.set(alike, [id]);
  }
  return (id) => idsOf.get(designOf.get(id) ?? -1) ?? [];
}

function fileAt(path: string): string | undefined {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ? path : undefined;
}
