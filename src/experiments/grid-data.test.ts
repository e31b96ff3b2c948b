import { describe, expect, it } from "vitest";
import { FixedSplit } from "../data/fixed-split.js";
import type { RetrievalDataset, Triplet } from "../data/triplet.js";
import { dataDifferences, gridDataOf } from "./grid-data.js";

const triplet: Triplet = { reference: "A", target: "B", captions: ["is red"], category: "all" };

/** What a grid knows of a data set whose val split is one triplet. */
function dataOf(change: Partial<Triplet> = {}) {
  const triplets = [{ ...triplet, ...change }];
  const dataset: RetrievalDataset = {
    name: "triplets",
    root: "nowhere",
    categories: ["all"],
    imagesExpectedAt: "nowhere",
    split: (name) => new FixedSplit({ name, triplets, images: new Map([["all", ["A", "B"]]]) }),
    imagePath: () => undefined,
  };
  return gridDataOf(dataset, ["val"]);
}

describe("gridDataOf", () => {
  it("notices other wordings that were added or changed: evaluations ask them", () => {
    const worded = dataOf({ paraphrases: [["in red"]] });
    const other = dataOf({ paraphrases: [["all red"]] });
    const changed = ["triplets, texts or galleries of val: as many, but others"];
    expect(dataDifferences(dataOf(), worded)).toEqual(changed);
    expect(dataDifferences(worded, other)).toEqual(changed);
    expect(dataDifferences(worded, dataOf({ paraphrases: [["in red"]] }))).toEqual([]);
  });
});
