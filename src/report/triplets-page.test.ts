import { describe, expect, it } from "vitest";
import type { TripletStatistics } from "../data/from-catalogue/triplet-statistics.js";
import { tripletsPage } from "./triplets-page.js";

const counts = { items: 1234, triplets: 5, possible: 9 };
const empty = { items: 0, triplets: 0, possible: 0, categories: {} };
const statistics: TripletStatistics = {
  rows: 1300,
  triplets: 5,
  splits: { train: { ...counts, categories: { dress: counts } }, val: empty, test: empty },
  changes: { "1": 5 },
  attributes: {
    "<b>": {
      triplets: 5,
      unknown: 3,
      values: Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`v${i}`, { items: 2, wanted: 1 }])),
    },
  },
  unused: { repeatedPicture: 0, nothingKnown: 0, noPartner: 0, notDrawn: 0 },
};
const picture = (id: string) => ({ id, dataUri: `data:image/jpeg;base64,${id}` });
const sample = {
  reference: picture("REF"),
  target: picture("TGT"),
  captions: ["is <red>", "it is red"],
  changes: [{ attribute: "colour", from: "blue", to: "red" }],
  tag: "dress · train",
};
const content = { catalogue: "c.csv", statistics, hiddenSamples: 0, facts: [["Seed", "1"]] as const };

describe("tripletsPage", () => {
  it("shows reference before target, captions and changes, all escaped", () => {
    const page = tripletsPage({ ...content, samples: [sample] });
    expect([...page.matchAll(/alt="([^"]*)"/g)].map(([, alt]) => alt)).toEqual([
      "Reference: REF",
      "Target: TGT",
    ]);
    expect(page).toContain("<li>is &lt;red&gt;</li><li>it is red</li>");
    expect(page).toContain("<li>colour: blue → red</li>");
    expect(page).toContain("&lt;b&gt;");
    expect(page).not.toContain("<b>");
  });

  it("tells counts by split and category, and how many values it leaves out", () => {
    const page = tripletsPage({ ...content, samples: [sample] });
    expect(page).toContain('<th scope="row">train, dress</th><td>1,234</td><td>5</td><td>9</td>');
    expect(page).toContain("and 10 more values");
    expect(page).toContain("3 items without a value");
  });

  it("says so when no picture can be shown", () => {
    expect(tripletsPage({ ...content, samples: [], hiddenSamples: 2 })).toContain(
      "the pictures of 2 samples are missing or damaged",
    );
  });
});
