import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openFashionIq } from "../data/datasets/fashion-iq.js";
import { FixedSplit } from "../data/fixed-split.js";
import { defaultProtocol, galleriesOf, protocolNames, queryTexts } from "./protocols.js";

const split = new FixedSplit({
  name: "val",
  triplets: [
    { reference: "a", target: "b", captions: [], category: "dress" },
    { reference: "b", target: "c", captions: [], category: "dress" },
    { reference: "a", target: "x", hits: ["x", "y"], captions: [], category: "shirt" },
  ],
  images: new Map([
    ["dress", ["a", "b", "c", "d", "d"]],
    ["shirt", ["a", "x", "y", "z"]],
  ]),
});

describe("galleriesOf", () => {
  it("takes the queries' own images for val-split", () => {
    expect([...galleriesOf(split, defaultProtocol)]).toEqual([
      ["dress", ["a", "b", "c"]],
      ["shirt", ["a", "x", "y"]],
    ]);
  });

  it("takes every listed image once for original", () => {
    expect([...galleriesOf(split, { ...defaultProtocol, name: "original" })]).toEqual([
      ["dress", ["a", "b", "c", "d"]],
      ["shirt", ["a", "x", "y", "z"]],
    ]);
  });
});

describe("queryTexts", () => {
  it.each([
    ["and", ["is red and long"], ["is red"], [""]],
    ["swapped", ["is red and long", "long and is red"], ["is red", "is red"], ["", ""]],
    ["each", ["is red", "long"], ["is red"], [""]],
  ] as const)("joins captions as %s says, empty ones left out", (join, both, one, none) => {
    expect(queryTexts([" is red ", "long"], join)).toEqual(both);
    expect(queryTexts(["is red", " "], join)).toEqual(one);
    expect(queryTexts(["", ""], join)).toEqual(none);
  });
});

const published = join(import.meta.dirname, "../../../shared/data/fashioniq");
if (!existsSync(published)) console.warn(`skipped: FashionIQ's annotations are not at ${published}`);

describe.skipIf(!existsSync(published))("FashionIQ's val galleries", () => {
  it("have the sizes that the literature's protocols have", () => {
    const val = openFashionIq(published).split("val");
    const sizes = protocolNames.map((name) =>
      [...galleriesOf(val, { ...defaultProtocol, name })].map(([category, ids]) => [category, ids.length]),
    );
    expect(sizes).toEqual([
      [
        ["dress", 2628],
        ["shirt", 3089],
        ["toptee", 2902],
      ],
      [
        ["dress", 3817],
        ["shirt", 6346],
        ["toptee", 5373],
      ],
    ]);
  });
});
