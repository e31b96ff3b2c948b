import { describe, expect, it } from "vitest";
import { Random } from "../engine/tensor/random.js";
import { DatasetError } from "../errors.js";
import { CaptionPairs } from "./datasets/fashion200k-pairs.js";
import { FixedSplit } from "./fixed-split.js";
import { oneCategory } from "./one-category.js";
import type { DatasetSplit, RetrievalDataset } from "./triplet.js";

const datasetOf = (split: DatasetSplit, categories: readonly string[]): RetrievalDataset => ({
  name: "made-up",
  root: "data",
  categories,
  imagesExpectedAt: "data",
  split: () => split,
  imagePath: (id) => `data/${id}`,
});

describe("a data set of one category", () => {
  const query = (reference: string, category: string) => ({ reference, category, captions: ["red"] });
  const split = new FixedSplit({
    name: "train",
    triplets: [
      { ...query("a", "dress"), target: "b" },
      { ...query("c", "shirt"), target: "d" },
    ],
    untargeted: [query("a", "shirt"), query("e", "dress")],
    images: new Map([
      ["dress", ["a", "b", "e"]],
      ["shirt", ["a", "c", "d"]],
    ]),
  });

  it("has its triplets, queries and gallery only, also of images that others have too", () => {
    const {
      categories,
      split: splitOf,
      imagePath,
    } = oneCategory(datasetOf(split, ["dress", "shirt"]), "dress");
    expect(categories).toEqual(["dress"]);
    const dress = splitOf("train");
    expect(dress.triplets.map(({ reference }) => reference)).toEqual(["a"]);
    expect(dress.untargeted.map(({ reference }) => reference)).toEqual(["e"]);
    expect([...dress.images]).toEqual([["dress", ["a", "b", "e"]]]);
    expect(imagePath("a")).toBe("data/a");
  });

  it("draws pairs from its images where they are drawn", () => {
    const captions = new Map([
      ["a", "red dress"],
      ["b", "blue dress"],
    ]);
    const drawn = oneCategory(datasetOf(new CaptionPairs(captions, "all"), ["all"]), "all").split("train");
    expect(drawn.epochTripletCount).toBe(2);
    expect(drawn.drawEpoch(new Random(1))).toHaveLength(2);
  });

  it("refuses a category that there is not", () => {
    expect(() => oneCategory(datasetOf(split, ["dress", "shirt"]), "hat")).toThrow(DatasetError);
    expect(() => oneCategory(datasetOf(split, ["dress", "shirt"]), "hat")).toThrow(/"hat"; got dress, shirt/);
  });
});
