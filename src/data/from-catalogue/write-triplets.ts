/** Writes a folder of plain triplets made from a catalogue; the folder gets its name when all is written. */
import { existsSync, readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { CellProblem } from "../../catalogue/catalogue-item.js";
import { normalText } from "../../catalogue/normal-text.js";
import { PictureFiles } from "../../catalogue/picture-files.js";
import { DatasetError, UsageError } from "../../errors.js";
import { writeWholeFolder } from "../../files/whole.js";
import type { AnswerKind } from "../datasets/dataset-kind.js";
import { indexImages } from "../datasets/image-index.js";
import {
  type ItemLine,
  type TripletLine,
  type TripletsManifest,
  tripletsFiles,
} from "../datasets/triplets-files.js";
import { splitNames } from "../triplet.js";
import type { ItemTable } from "./item-table.js";
import type { TripletSet } from "./make-triplets.js";

/** Items whose picture is not there yet. */
export interface PictureCounts {
  readonly present: number;
  /** A path that no file is at. */
  readonly missing: number;
  /** An address whose picture lies in no file of the catalogue's `images` folder. */
  readonly toDownload: number;
}

/** Where each item's picture is, as the loader will look for it. */
export class CataloguePictures {
  readonly #root: string;
  readonly #table: ItemTable;
  readonly #files: PictureFiles;
  readonly #downloaded: ReadonlyMap<string, string>;

  constructor(table: ItemTable, catalogueFile: string) {
    this.#table = table;
    this.#root = dirname(resolve(catalogueFile));
    // Nothing is served from here: pictures may lie anywhere.
    this.#files = new PictureFiles(this.#root, { allowLinks: true });
    const hasAddresses = table.items.some(({ image }) => image.kind === "address");
    const images = hasAddresses ? indexImages(join(this.#root, "images"), 1) : new Map<string, string>();
    this.#downloaded = new Map([...images].map(([id, file]) => [normalText(id), file]));
  }

  /** The path of an item's picture below the catalogue's folder, as the disk spells it; undefined for an address. */
  pathOf(row: number): string | undefined {
    const image = this.#table.items[row]?.image;
    if (image?.kind !== "file") return undefined;
    const path = this.#files.find(image.path);
    return path instanceof CellProblem ? image.path : path;
  }

  /** The file of an item's picture, where it is there. */
  fileOf(row: number): string | undefined {
    const path = this.pathOf(row);
    if (path === undefined) return this.#downloaded.get(this.#table.items[row]?.id ?? "");
    const file = join(this.#root, path);
    return existsSync(file) ? file : undefined;
  }

  count(): PictureCounts {
    const counts = { present: 0, missing: 0, toDownload: 0 };
    for (const [row, { image }] of this.#table.items.entries()) {
      if (this.fileOf(row) !== undefined) counts.present += 1;
      else if (image.kind === "address") counts.toDownload += 1;
      else counts.missing += 1;
    }
    return counts;
  }
}

export interface TripletsFolderContent {
  readonly table: ItemTable;
  readonly set: TripletSet;
  readonly pictures: CataloguePictures;
  readonly catalogueFile: string;
  readonly answers: AnswerKind;
  /** How it was made, for the manifest. */
  readonly provenance: Readonly<Record<string, unknown>>;
  /** Further files: name and text. */
  readonly files: ReadonlyMap<string, string>;
}

/** Name of the list of addresses whose pictures are not there, one `id<TAB>address` a line. */
export const addressesFile = "addresses.txt";

/** @throws UsageError unless `out` is absent or an empty folder. */
export function requireNewFolder(out: string): void {
  const content = existsSync(out) ? contentOf(out) : [];
  if (content.length === 0) return;
  throw new UsageError(
    `--out: must be a new or an empty folder; got ${content.slice(0, 3).join(", ")} in ${resolve(out)}; choose another`,
  );
}

function contentOf(out: string): readonly string[] {
  try {
    return readdirSync(out);
  } catch (cause) {
    throw new UsageError(`--out: must be a folder; got ${cause}; choose another`, { cause });
  }
}

/** Writes everything. @throws DatasetError when the folder cannot be written. */
export async function writeTriplets(out: string, content: TripletsFolderContent): Promise<void> {
  const directory = resolve(out);
  await writeWholeFolder(
    directory,
    async (partial) => {
      for (const [name, text] of filesOf(directory, content)) await writeFile(join(partial, name), text);
    },
    {
      refused: (cause) =>
        new DatasetError(`${out}: cannot be written; ${cause.message}; choose another folder`, { cause }),
    },
  );
}

function filesOf(directory: string, content: TripletsFolderContent): ReadonlyMap<string, string> {
  const { table, set, pictures, catalogueFile, answers, provenance } = content;
  const { items } = table;
  const idOf = (row: number) => items[row]?.id ?? "";
  const manifest: TripletsManifest & Record<string, unknown> = {
    format: 1,
    kind: "catalogue",
    imageRoot:
      relative(directory, dirname(resolve(catalogueFile)))
        .split(sep)
        .join("/") || ".",
    answers,
    ...provenance,
  };
  const itemLines = splitNames.flatMap((split) =>
    [...set.splits[split].values()].flat().flatMap((row): ItemLine[] => {
      const item = items[row];
      if (!item) return [];
      const { id, image, category } = item;
      const alike = set.alike[row];
      const path = image.kind === "file" ? { image: pictures.pathOf(row) ?? image.path } : {};
      return [{ id, ...path, category, split, alike }];
    }),
  );
  const files = new Map<string, string>([
    [tripletsFiles.manifest, `${JSON.stringify(manifest, undefined, 1)}\n`],
    [tripletsFiles.items, linesText(itemLines)],
  ]);
  for (const split of splitNames) {
    const lines = set.triplets
      .filter((triplet) => triplet.split === split)
      .map(({ reference, target, captions, paraphrases, category }): TripletLine => {
        const texts = paraphrases?.map((wording) => [...wording]);
        const text = [...captions];
        return { reference: idOf(reference), target: idOf(target), text, paraphrases: texts, category };
      });
    files.set(tripletsFiles.ofSplit(split), linesText(lines));
  }
  const addresses = items.flatMap(({ id, image }, row) =>
    image.kind === "address" && pictures.fileOf(row) === undefined ? `${id}\t${image.address}\n` : [],
  );
  if (addresses.length > 0) files.set(addressesFile, addresses.join(""));
  for (const [name, text] of content.files) files.set(name, text);
  return files;
}

function linesText(lines: readonly unknown[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}
