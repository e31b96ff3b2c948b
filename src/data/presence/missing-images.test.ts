import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openFashionIq } from "../datasets/fashion-iq.js";
import { FixedSplit } from "../fixed-split.js";
import type { RetrievalDataset } from "../triplet.js";
import { availableSplit, describeDrops } from "./missing-images.js";

let root: string;
let dataset: RetrievalDataset;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "missing-"));
  for (const folder of ["captions", "image_splits", "images"]) mkdirSync(join(root, folder));
  const triplet = (candidate: string, target: string) => ({ candidate, target, captions: ["x", "y"] });
  writeFileSync(
    join(root, "captions/cap.dress.val.json"),
    JSON.stringify([triplet("A", "B"), triplet("B", "C"), triplet("C", "A")]),
  );
  writeFileSync(join(root, "image_splits/split.dress.val.json"), JSON.stringify(["A", "B", "C", "D", "E"]));
  dataset = openFashionIq(root);
});
afterEach(() => rmSync(root, { recursive: true }));

function addImages(...ids: string[]): void {
  for (const id of ids) writeFileSync(join(root, "images", `${id}.jpg`), "");
}

describe("availableSplit", () => {
  it("drops what needs a missing image and counts images, triplets and gallery entries", () => {
    addImages("A", "B", "D");
    const { split, dropped } = availableSplit(dataset, "val");
    expect(split.triplets.map(({ reference, target }) => reference + target)).toEqual(["AB"]);
    expect(split.images.get("dress")).toEqual(["A", "B", "D"]);
    expect(dropped).toEqual({
      images: { dropped: 2, of: 5, broken: 0 },
      triplets: { dropped: 2, of: 3 },
      galleryEntries: { dropped: 2, of: 5 },
    });
    expect(describeDrops(dropped)).toBe(
      "missing images: dropped 2 of 5 images, 2 of 3 triplets, 2 of 5 gallery entries",
    );
  });

  it("drops nothing when every image is there", () => {
    addImages("A", "B", "C", "D", "E");
    const { split, dropped } = availableSplit(dataset, "val");
    expect(split.triplets).toHaveLength(3);
    expect(describeDrops(dropped)).toBe("all 5 images are there");
  });

  it("refuses a split without any image and says where they belong", () => {
    expect(() => availableSplit(dataset, "val")).toThrow(
      /no image of the val split was found; got 0 of 5; put the files at .*images.\{id\}\.jpg/,
    );
  });
});

describe("FixedSplit", () => {
  it("strikes missing images off a triplet's hits", () => {
    const triplet = { reference: "A", target: "B", hits: ["B", "C", "D"], captions: [], category: "all" };
    const split = new FixedSplit({ name: "test", triplets: [triplet], images: new Map() });
    expect(split.restrict((id) => id !== "C").triplets[0]?.hits).toEqual(["B", "D"]);
  });
});
