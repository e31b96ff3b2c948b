import { describe, expect, it } from "vitest";
import { Random } from "../../engine/tensor/random.js";
import {
  ATTRIBUTES,
  CATEGORIES,
  changedAttributes,
  type Design,
  designKey,
  isValid,
  sampleDesign,
  VOCABULARY,
  valuesOf,
  withValue,
} from "./attributes.js";

const PLAIN: Design = {
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
    expect(isValid(PLAIN)).toBe(true);
    expect(isValid({ ...PLAIN, pattern: "dots", patternColour: "white" })).toBe(true);
  });

  it.each([
    ["a pattern without a colour", { pattern: "dots" }],
    ["plain cloth with a pattern's colour", { patternColour: "white" }],
    ["dots in the colour of the cloth", { colour: "white", pattern: "dots", patternColour: "white" }],
    ["a print on buttons", { buttons: "yes", print: "star" }],
    ["a dress with a shirt's pocket", { pockets: "yes" }],
    ["a belt on a cropped top", { category: "toptee", length: "short", belt: "yes" }],
  ] as const)("refuses %s", (_, change) => {
    expect(isValid({ ...PLAIN, ...change })).toBe(false);
  });
});

describe("changedAttributes", () => {
  it("names what differs, in the vocabulary's order", () => {
    expect(changedAttributes(PLAIN, { ...PLAIN, belt: "yes", colour: "blue" })).toEqual(["colour", "belt"]);
    expect(changedAttributes(PLAIN, PLAIN)).toEqual([]);
  });

  it("counts a plain garment that gets white dots as one change", () => {
    const dotted: Design = { ...PLAIN, pattern: "dots", patternColour: "white" };
    expect(changedAttributes(PLAIN, dotted)).toEqual(["pattern"]);
    expect(changedAttributes(dotted, PLAIN)).toEqual(["pattern"]);
    expect(changedAttributes(dotted, { ...dotted, patternColour: "black" })).toEqual(["patternColour"]);
  });
});

describe("sampleDesign", () => {
  it("gives valid designs that reach every value of the vocabulary in some category", () => {
    const random = new Random(11);
    const seen = new Map(ATTRIBUTES.map((attribute) => [attribute, new Set<string>()]));
    for (let i = 0; i < 1500; i += 1) {
      const design = sampleDesign(CATEGORIES[i % 3] ?? "dress", random);
      expect(isValid(design)).toBe(true);
      for (const attribute of ATTRIBUTES) seen.get(attribute)?.add(design[attribute]);
    }
    for (const attribute of ATTRIBUTES) expect(seen.get(attribute)?.size).toBe(VOCABULARY[attribute].length);
  });

  it("has twelve colours and five patterns in every category", () => {
    for (const category of CATEGORIES) {
      expect(valuesOf(category, "colour")).toHaveLength(12);
      expect(valuesOf(category, "pattern")).toHaveLength(5);
    }
  });
});

describe("designKey", () => {
  it("differs when any attribute or the category differs", () => {
    const keys = ATTRIBUTES.map((attribute) => designKey(withValue(PLAIN, attribute, "other")));
    const all = [designKey(PLAIN), designKey({ ...PLAIN, category: "toptee" }), ...keys];
    expect(new Set(all).size).toBe(all.length);
  });
});
