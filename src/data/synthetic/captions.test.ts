import { describe, expect, it } from "vitest";
import { Random } from "../../engine/tensor/random.js";
import {
  type Attribute,
  allAttributes,
  allCategories,
  changedAttributes,
  type Design,
  designKey,
  isValid,
  sampleDesign,
  valuesOf,
  withValue,
} from "./attributes.js";
import { modificationCaptions } from "./captions.js";
import { phrasesFor } from "./phrases.js";

/** Every valid design that differs from `design` in one attribute. */
function neighbours(design: Design): { attribute: Attribute; to: Design }[] {
  const direct = allAttributes.flatMap((attribute) =>
    valuesOf(design.category, attribute).map((value) => ({
      attribute,
      to: withValue(design, attribute, value),
    })),
  );
  const patterned = ["stripes", "dots", "plaid", "floral"].flatMap((pattern) =>
    valuesOf(design.category, "patternColour").map((colour) => ({
      attribute: "pattern" as const,
      to: withValue(withValue(design, "pattern", pattern), "patternColour", colour),
    })),
  );
  const plain = {
    attribute: "pattern" as const,
    to: { ...design, pattern: "solid", patternColour: "none" } as const,
  };
  return [...direct, ...(design.pattern === "solid" ? patterned : [plain])].filter(
    ({ attribute, to }) => isValid(to) && changedAttributes(design, to).join() === attribute,
  );
}

describe("phrasesFor", () => {
  it("leaves one possible target for every phrase, given the reference", () => {
    const random = new Random(3);
    for (let i = 0; i < 300; i += 1) {
      const from = sampleDesign(allCategories[i % 3] ?? "dress", random);
      const meaning = new Map<string, string>();
      for (const { attribute, to } of neighbours(from)) {
        const { predicates, complements } = phrasesFor(attribute, from, to);
        expect(predicates.length).toBeGreaterThan(0);
        expect(complements.length).toBeGreaterThan(0);
        for (const phrase of [...predicates, ...complements]) {
          const known = meaning.get(phrase);
          if (known !== undefined && known !== designKey(to)) {
            throw new Error(`"${phrase}" means ${known} and ${designKey(to)} for ${designKey(from)}`);
          }
          meaning.set(phrase, designKey(to));
        }
      }
    }
  });

  it("says longer only where a single length is longer", () => {
    const from: Design = { ...sampleDesign("dress", new Random(1)), length: "short" };
    const predicates = (length: Design["length"]): readonly string[] =>
      phrasesFor("length", from, { ...from, length }).predicates;
    expect(predicates("regular")).toContain("is a little longer");
    expect(predicates("long")).toContain("is much longer");
    for (const length of ["regular", "long"] as const) expect(predicates(length)).not.toContain("is longer");
    const middle: Design = { ...from, length: "regular" };
    expect(phrasesFor("length", middle, { ...middle, length: "long" }).predicates).toContain("is longer");
  });
});

/** What a caption must contain to have mentioned the attribute. */
const mentionPatterns: Readonly<Record<Attribute, RegExp>> = {
  colour: /black|white|gr[ea]y|red|orange|yellow|green|teal|turquoise|blue|purple|violet|pink|brown/,
  pattern: /stripes|dots|plaid|checks|flower|floral|solid|plain|pattern/,
  patternColour:
    /(stripes|dots|plaid|flowers).* (white|black|yellow)|(white|black|yellow) (stripes|polka|plaid|flower)/,
  sleeves: /sleeve|arms/,
  neckline: /neck|collar/,
  length: /long|short|length|knee|maxi|crop/,
  fit: /fit|tight|straight|loose|flare|full|flow|slim|bag|box|swing/,
  buttons: /button/,
  belt: /belt/,
  pockets: /pocket/,
  print: /star|heart|lightning|print|graphic/,
};

/** A random design one to three steps away. */
function changed(from: Design, random: Random): Design {
  let to = from;
  for (let i = 0; i <= random.integer(3); i += 1) to = random.pick(neighbours(to)).to;
  return to;
}

describe("modificationCaptions", () => {
  it("mentions every changed attribute in the two captions together", () => {
    const random = new Random(5);
    for (let i = 0; i < 400; i += 1) {
      const from = sampleDesign(allCategories[i % 3] ?? "dress", random);
      const to = changed(from, random);
      if (designKey(from) === designKey(to)) continue;
      const captions = modificationCaptions(from, to, random);
      for (const attribute of changedAttributes(from, to))
        expect(captions.join(" and ")).toMatch(mentionPatterns[attribute]);
      for (const caption of captions) expect(caption).toMatch(/^[a-z][a-z, ]+[a-z]$/);
    }
  });

  it("has many ways to say the same", () => {
    const random = new Random(7);
    const from: Design = { ...sampleDesign("shirt", random), colour: "blue", sleeves: "short" };
    const to: Design = { ...from, colour: "red", sleeves: "long" };
    const said = new Set(Array.from({ length: 300 }, () => modificationCaptions(from, to, random)).flat());
    expect(said.size).toBeGreaterThan(150);
    expect([...said].some((caption) => caption.includes("red instead of blue"))).toBe(true);
  });

  it("gives the same captions for the same stream", () => {
    const from = sampleDesign("toptee", new Random(2));
    const to = changed(from, new Random(4));
    expect(modificationCaptions(from, to, new Random(9))).toEqual(
      modificationCaptions(from, to, new Random(9)),
    );
  });

  it("refuses equal designs and designs of two categories", () => {
    const dress = sampleDesign("dress", new Random(1));
    expect(() => modificationCaptions(dress, dress, new Random(1))).toThrow("the two designs are equal");
    const shirt = sampleDesign("shirt", new Random(1));
    expect(() => modificationCaptions(dress, shirt, new Random(1))).toThrow("got dress, shirt");
  });
});
