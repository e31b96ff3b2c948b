import { describe, expect, it } from "vitest";
import { Random } from "../../engine/tensor/random.js";
import {
  allAttributes,
  allCategories,
  attributeValues,
  changedAttributes,
  type Design,
  designKey,
  isValid,
  sampleDesign,
  valuesOf,
  withValue,
} from "./attributes.js";

const plainDesign: Design = {
  category: "dress",
  colour: "red",
  pattern: "solid",
  patternColour: "none",
  sleeves: "short",
  neckline: "v",
  length: "regular",
  fit: "loose",
  buttons: "no",
  belt: "no",
  pockets: "no",
  print: "none",
};

describe("isValid", () => {
  it("accepts a plain garment and one whose pattern has a colour that shows", () => {
    expect(isValid(plainDesign)).toBe(true);
    expect(isValid({ ...plainDesign, pattern: "dots", patternColour: "white" })).toBe(true);
  });

  it.each([
    ["a pattern without a colour", { pattern: "dots" }],
    ["plain cloth with a pattern's colour", { patternColour: "white" }],
    ["dots in the colour of the cloth", { colour: "white", pattern: "dots", patternColour: "white" }],
    ["a print on buttons", { buttons: "yes", print: "star" }],
    ["a dress with a shirt's pocket", { pockets: "yes" }],
    ["a belt on a cropped top", { category: "toptee", length: "short", belt: "yes" }],
  ] as const)("refuses %s", (_, change) => {
    expect(isValid({ ...plainDesign, ...change })).toBe(false);
  });
});

describe("changedAttributes", () => {
  it("names what differs, in the vocabulary's order", () => {
    expect(changedAttributes(plainDesign, { ...plainDesign, belt: "yes", colour: "blue" })).toEqual([
      "colour",
      "belt",
    ]);
    expect(changedAttributes(plainDesign, plainDesign)).toEqual([]);
  });

  it("counts a plain garment that gets white dots as one change", () => {
    const dotted: Design = { ...plainDesign, pattern: "dots", patternColour: "white" };
    expect(changedAttributes(plainDesign, dotted)).toEqual(["pattern"]);
    expect(changedAttributes(dotted, plainDesign)).toEqual(["pattern"]);
    expect(changedAttributes(dotted, { ...dotted, patternColour: "black" })).toEqual(["patternColour"]);
  });
});

describe("sampleDesign", () => {
  it("gives valid designs that reach every value of the vocabulary in some category", () => {
    const random = new Random(11);
    const seen = new Map(allAttributes.map((attribute) => [attribute, new Set<string>()]));
    for (let i = 0; i < 1500; i += 1) {
      const design = sampleDesign(allCategories[i % 3] ?? "dress", random);
      expect(isValid(design)).toBe(true);
      for (const attribute of allAttributes) seen.get(attribute)?.add(design[attribute]);
    }
    for (const attribute of allAttributes)
      expect(seen.get(attribute)?.size).toBe(attributeValues[attribute].length);
  });

  it("has twelve colours and five patterns in every category", () => {
    for (const category of allCategories) {
      expect(valuesOf(category, "colour")).toHaveLength(12);
      expect(valuesOf(category, "pattern")).toHaveLength(5);
    }
  });
});

describe("designKey", () => {
  it("differs when any attribute or the category differs", () => {
    const keys = allAttributes.map((attribute) => designKey(withValue(plainDesign, attribute, "other")));
    const all = [designKey(plainDesign), designKey({ ...plainDesign, category: "toptee" }), ...keys];
    expect(new Set(all).size).toBe(all.length);
  });
});
