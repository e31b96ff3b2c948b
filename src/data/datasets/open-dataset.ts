/** The one place where a data set is opened, by the name of its kind or by what its folder holds. */
import { DatasetError, UsageError } from "../../errors.js";
import type { RetrievalDataset } from "../triplet.js";
import { circoKind } from "./circo.js";
import { cirrKind } from "./cirr.js";
import type { DatasetKind, OpenOptions } from "./dataset-kind.js";
import { fashionIqKind } from "./fashion-iq.js";
import { fashion200kKind } from "./fashion200k.js";
import { shoesKind } from "./shoes.js";
import { tripletsKind } from "./triplets-folder.js";

/** Every kind of data set, by the name that options and results have for it. */
const kinds = {
  fashioniq: fashionIqKind,
  shoes: shoesKind,
  fashion200k: fashion200kKind,
  cirr: cirrKind,
  circo: circoKind,
  catalogue: tripletsKind,
} satisfies Record<string, DatasetKind>;

export type DatasetName = keyof typeof kinds;

/** What `--dataset` takes. */
export const datasetNames = Object.keys(kinds) as readonly DatasetName[];

/**
 * Opens the data set in a folder.
 * @param name its kind; found out from the folder's files by default.
 * @throws DatasetError when the folder has no layout that is known, several, or not the one asked for; UsageError for
 *   `answers` that the kind does not know.
 * @example
 * import { openDataset } from "sdfn/training";
 * const dataset = openDataset("data/small");
 * console.log(dataset.name, dataset.categories); // fashioniq [ 'dress', 'shirt', 'toptee' ]
 */
export function openDataset(
  root: string,
  name: DatasetName = kindOf(root),
  options: OpenOptions = {},
): RetrievalDataset {
  const kind: DatasetKind = kinds[name];
  const { answers } = options;
  if (answers !== undefined && !(kind.answers ?? ["target"]).includes(answers)) {
    throw new UsageError(
      `${root}: ${name} knows no attributes of its images; got answers ${answers}; leave it out`,
    );
  }
  return kind.open(root, options);
}

function kindOf(root: string): DatasetName {
  const found = datasetNames.filter((name) => kinds[name].isAt(root));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  if (found.length > 1) {
    throw new DatasetError(
      `${root}: holds more than one data set; got ${found.join(" and ")}; say which with --dataset`,
    );
  }
  const layouts = datasetNames.map((name) => `\n  - ${name}: ${kinds[name].layout}`).join("");
  throw new DatasetError(
    `${root}: is no data set that is known; none of these files was found:${layouts}\n` +
      "check the path, or see docs/data.md for the layouts and where to get the files",
  );
}
