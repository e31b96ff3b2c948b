/** What a shop writes beside a garment: its title and its price. */
import type { Random } from "../../engine/tensor/random.js";
import type { Category, Design } from "./attributes.js";
import { word } from "./phrases.js";

const patternAdjectives: Readonly<Record<Exclude<Design["pattern"], "solid">, string>> = {
  stripes: "striped",
  dots: "polka-dot",
  plaid: "plaid",
  floral: "floral",
};

const lengthAdjectives: Readonly<Record<Category, Readonly<Record<Design["length"], string>>>> = {
  dress: { short: "mini", regular: "knee-length", long: "maxi" },
  shirt: { short: "cropped", regular: "", long: "longline" },
  toptee: { short: "cropped", regular: "", long: "tunic" },
};

const titleNouns: Readonly<Record<Category, string>> = { dress: "dress", shirt: "shirt", toptee: "top" };

/** A title such as "Red polka-dot maxi dress with long sleeves, a v neck and a belt". */
export function titleOf(design: Design): string {
  const sleeves = design.sleeves === "sleeveless" ? "sleeveless" : "";
  const pattern =
    design.pattern === "solid" ? "" : `${design.patternColour}-${patternAdjectives[design.pattern]}`;
  const length = lengthAdjectives[design.category][design.length];
  const head = [design.fit, design.colour, pattern, sleeves, length, titleNouns[design.category]]
    .filter(Boolean)
    .join(" ");
  const parts = [
    sleeves ? "" : word(design.sleeves),
    word(design.neckline),
    design.buttons === "yes" ? "buttons" : "",
    design.belt === "yes" ? "a belt" : "",
    design.pockets === "yes" ? "pockets" : "",
    design.print === "none" ? "" : `${word(design.print)} print`,
  ].filter(Boolean);
  const tail =
    parts.length > 1 ? `${parts.slice(0, -1).join(", ")} and ${parts[parts.length - 1]}` : parts.join("");
  return `${head.charAt(0).toUpperCase()}${head.slice(1)} with ${tail}`;
}

const basePrices: Readonly<Record<Category, number>> = { dress: 49, shirt: 32, toptee: 24 };

/** A price in whole currency units and 99 hundredths: dearer with sleeves, length and details. */
export function priceOf(design: Design, random: Random): string {
  const extras =
    (design.belt === "yes" ? 9 : 0) +
    (design.buttons === "yes" ? 4 : 0) +
    (design.pattern === "solid" ? 0 : 5) +
    (design.sleeves === "long" ? 6 : 0) +
    (design.length === "long" ? 12 : 0);
  return `${basePrices[design.category] + extras + random.integer(15)}.99`;
}
