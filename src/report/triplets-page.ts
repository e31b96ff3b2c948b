/** The page of `sdfn triplets`: samples with pictures, and what was made in numbers. */
import type { TripletStatistics } from "../data/from-catalogue/triplet-statistics.js";
import { splitNames } from "../data/triplet.js";
import { formatCount } from "../number-text.js";
import type { Fact } from "./fact-list.js";
import { countOf } from "./format.js";
import { html } from "./html.js";
import { page, type Section } from "./page.js";
import { countsTable, type TripletSample, tripletSamples } from "./triplet-samples.js";

export interface TripletsPage {
  readonly catalogue: string;
  readonly statistics: TripletStatistics;
  readonly samples: readonly TripletSample[];
  /** Samples that could not be shown: their pictures are missing or damaged. */
  readonly hiddenSamples: number;
  /** Seed, commit. */
  readonly facts: readonly Fact[];
}

/** Values of an attribute that the page lists; the others are counted. */
const listedValues = 30;

/** The whole document. */
export function tripletsPage({ catalogue, statistics, samples, hiddenSamples, facts }: TripletsPage): string {
  const { splits, triplets, rows, attributes } = statistics;
  const sections: Section[] = [
    {
      id: "samples",
      title: "Samples",
      lead: "Read them as a model would: do the captions say what differs between the pictures, and nothing that is wrong?",
      body:
        samples.length > 0
          ? tripletSamples(samples)
          : html`<p>No sample can be shown: the pictures of ${countOf(hiddenSamples, "sample")} are missing or damaged.</p>`,
    },
    {
      id: "splits",
      title: "Splits and categories",
      lead: "Every item is in one split only. “Possible” counts the pairs that could have been drawn.",
      body: countsTable(
        ["Split, category", "Items", "Triplets", "Possible"],
        splitNames.flatMap((split) =>
          Object.entries(splits[split].categories).map(([category, counts]) => [
            `${split}, ${category}`,
            ...[counts.items, counts.triplets, counts.possible].map(formatCount),
          ]),
        ),
      ),
    },
    {
      id: "values",
      title: "Attributes and values",
      lead: "How many items have a value, and how many triplets change the attribute to it.",
      body: html`${Object.entries(attributes).map(
        ([name, { triplets: count, unknown, values }]) => html`<h3>${name} <span class="soft small">${countOf(
          count,
          "triplet",
        )}, ${countOf(unknown, "item")} without a value</span></h3>
${countsTable(["Value", "Items", "Wanted"], valueRows(values))}<br>`,
      )}`,
    },
  ];
  return page(
    {
      eyebrow: "SDFN · training triplets",
      title: "Triplets of a catalogue",
      lead: `${countOf(triplets, "triplet")} from ${countOf(rows, "row")} of ${catalogue}.`,
      figures: splitNames.map((split) => ({
        label: split,
        value: formatCount(splits[split].triplets),
        note: `triplets of ${countOf(splits[split].items, "item")}`,
      })),
      facts,
    },
    sections,
  );
}

function valueRows(
  values: TripletStatistics["attributes"][string]["values"],
): readonly (readonly string[])[] {
  const all = Object.entries(values);
  const rows = all
    .slice(0, listedValues)
    .map(([value, { items, wanted }]) => [value, formatCount(items), formatCount(wanted)]);
  if (all.length > rows.length) rows.push([`and ${all.length - rows.length} more values`, "", ""]);
  return rows;
}
