/** What `sdfn triplets` prints for people. */
import type { TripletStatistics } from "../../data/from-catalogue/triplet-statistics.js";
import { addressesFile, type PictureCounts } from "../../data/from-catalogue/write-triplets.js";
import { splitNames } from "../../data/triplet.js";
import { textTable } from "../terminal/text-table.js";

export interface TripletsText {
  readonly directory: string;
  readonly page: string;
  readonly statistics: TripletStatistics;
  readonly images: PictureCounts;
  readonly seconds: number;
}

/** Tables of splits and attributes, then what was left out and what to do next. */
export function tripletsText({ directory, page, statistics, images, seconds }: TripletsText): string {
  const { splits, attributes, unused, rows, triplets, changes } = statistics;
  const splitRows = splitNames.flatMap((split) =>
    Object.entries(splits[split].categories).map(([category, counts]) =>
      [`${split}  ${category}`, counts.items, counts.triplets, counts.possible].map(String),
    ),
  );
  const attributeRows = Object.entries(attributes).map(([name, { triplets: count, unknown, values }]) =>
    [name, count, Object.keys(values).length, unknown].map(String),
  );
  const changeText = Object.entries(changes).map(([size, count]) => `${count} change ${size}`);
  const lines = [
    `${directory}: ${triplets} triplets from ${rows} rows in ${seconds} s (attributes: ${changeText.join(", ")})\n\n`,
    textTable([["split  category", "items", "triplets", "possible"], ...splitRows]),
    "\n",
    textTable([["attribute", "triplets", "values", "items without"], ...attributeRows]),
    "\n",
    ...unusedText(unused),
    ...picturesText(images, directory),
    `look at ${page}\n`,
  ];
  return lines.join("");
}

function unusedText(unused: TripletStatistics["unused"]): readonly string[] {
  const reasons: readonly (readonly [number, string])[] = [
    [unused.repeatedPicture, "have the picture of an earlier row"],
    [unused.nothingKnown, "have no value of these attributes"],
    [unused.noPartner, "have no item of their category and split that differs in so few attributes"],
    [unused.notDrawn, "were not drawn"],
  ];
  const lines = reasons.filter(([count]) => count > 0).map(([count, why]) => `  ${count} ${why}\n`);
  return lines.length > 0 ? ["in no triplet:\n", ...lines] : [];
}

function picturesText({ present, missing, toDownload }: PictureCounts, directory: string): readonly string[] {
  const total = present + missing + toDownload;
  const lines: string[] = [];
  if (missing > 0) {
    lines.push(`pictures: ${missing} of ${total} files are missing; training leaves their triplets out\n`);
  }
  if (toDownload > 0) {
    lines.push(
      `pictures: ${toDownload} of ${total} are addresses and cannot be trained on before they are downloaded; save each\n` +
        `as images/{id}.jpg beside the catalogue. ${directory}/${addressesFile} lists them; docs/data.md has a command\n`,
    );
  }
  return lines;
}
