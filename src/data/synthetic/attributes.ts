/** The vocabulary of the synthetic catalogue: categories, attributes, designs and how designs differ. */
import type { Random } from "../../engine/tensor/random.js";
import { contrast } from "./palette.js";

/** FashionIQ's three categories. */
export const allCategories = ["dress", "shirt", "toptee"] as const;
export type Category = (typeof allCategories)[number];

/** Every attribute and all of its values; which of them a category uses is `valuesOf`. */
export const attributeValues = {
  colour: [
    "black",
    "white",
    "grey",
    "red",
    "orange",
    "yellow",
    "green",
    "teal",
    "blue",
    "purple",
    "pink",
    "brown",
  ],
  pattern: ["solid", "stripes", "dots", "plaid", "floral"],
  patternColour: ["none", "white", "black", "yellow"],
  sleeves: ["sleeveless", "short", "three-quarter", "long"],
  neckline: ["round", "v", "square", "collar", "high"],
  length: ["short", "regular", "long"],
  fit: ["fitted", "loose"],
  buttons: ["no", "yes"],
  belt: ["no", "yes"],
  pockets: ["no", "yes"],
  print: ["none", "star", "heart", "lightning"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type Attribute = keyof typeof attributeValues;
export type ValueOf<A extends Attribute> = (typeof attributeValues)[A][number];

/** All attributes, in the vocabulary's order. */
export const allAttributes = Object.keys(attributeValues) as readonly Attribute[];

/** A garment as the catalogue describes it: a category and one value per attribute. */
export type Design = { readonly category: Category } & { readonly [A in Attribute]: ValueOf<A> };

/** The values a category never shows; everything else in the vocabulary is possible. */
const excludedValues: Readonly<Record<Category, Partial<Readonly<Record<Attribute, readonly string[]>>>>> = {
  dress: { pockets: ["yes"] },
  shirt: { belt: ["yes"], neckline: ["square", "high"], length: ["short"] },
  toptee: { pockets: ["yes"], neckline: ["collar"] },
};

const valuesByCategory = Object.fromEntries(
  allCategories.map((category) => [category, possibleValues(category)]),
) as Readonly<Record<Category, Readonly<Record<Attribute, readonly string[]>>>>;

function possibleValues(category: Category): Record<Attribute, readonly string[]> {
  const possible: Record<Attribute, readonly string[]> = { ...attributeValues };
  for (const attribute of allAttributes) {
    const excluded = excludedValues[category][attribute] ?? [];
    possible[attribute] = attributeValues[attribute].filter((value) => !excluded.includes(value));
  }
  return possible;
}

/** The values of `attribute` that garments of `category` can have, in the vocabulary's order. */
export function valuesOf(category: Category, attribute: Attribute): readonly string[] {
  return valuesByCategory[category][attribute];
}

/**
 * True when the values can stand on one garment: a pattern has a colour that shows on the cloth (and only a
 * pattern has one), the print does not lie on a row of buttons, and a short top has no belt.
 */
export function isValid(design: Design): boolean {
  if ((design.pattern === "solid") !== (design.patternColour === "none")) return false;
  if (design.patternColour !== "none" && contrast(design.colour, design.patternColour) < 0.4) return false;
  if (design.buttons === "yes" && design.print !== "none") return false;
  if (design.category === "toptee" && design.length === "short" && design.belt === "yes") return false;
  return allAttributes.every((attribute) => valuesOf(design.category, attribute).includes(design[attribute]));
}

/** The design with one value replaced. The value must come from the vocabulary of that attribute. */
export function withValue(design: Design, attribute: Attribute, value: string): Design {
  return { ...design, [attribute]: value } as Design;
}

/** One string per design: equal for equal designs only. */
export function designKey(design: Design): string {
  return [design.category, ...allAttributes.map((attribute) => design[attribute])].join("|");
}

/**
 * The attributes in which two designs of one category differ, in the vocabulary's order. The pattern's colour
 * counts only between two patterned designs: a plain garment that gets dots changes in one attribute, not two.
 */
export function changedAttributes(from: Design, to: Design): Attribute[] {
  const isPlain = from.pattern === "solid" || to.pattern === "solid";
  const changed: Attribute[] = [];
  for (const attribute of allAttributes) {
    if (from[attribute] === to[attribute]) continue;
    if (attribute !== "patternColour" || !isPlain) changed.push(attribute);
  }
  return changed;
}

/** A valid design drawn uniformly over attribute values (plain cloth and no print a little more often). */
export function sampleDesign(category: Category, random: Random): Design {
  for (;;) {
    let design = { category } as Design;
    for (const attribute of allAttributes) {
      design = withValue(design, attribute, random.pick(valuesOf(category, attribute)));
    }
    if (design.pattern === "solid") design = withValue(design, "patternColour", "none");
    if (isValid(design)) return design;
  }
}
