/** Patterned cloth: one SVG pattern per part of the garment, so that stripes follow the sleeves. */
import type { Design } from "./attributes.js";
import { clothColour, luma, type Rgb, shade, toHex } from "./palette.js";
import { r } from "./silhouette.js";
import type { PictureVariation } from "./variation.js";

/** Colours of one picture's cloth, jittered by its light. */
export interface Cloth {
  readonly base: Rgb;
  readonly motif: Rgb;
}

/** The design's colours under the picture's exposure and warmth. */
export function clothOf(design: Design, { exposure, warmth }: PictureVariation): Cloth {
  const lit = (name: string): Rgb => {
    const [red, green, blue] = shade(clothColour(name), exposure);
    return [red + warmth, green, blue - warmth];
  };
  const motif = design.patternColour === "none" ? design.colour : design.patternColour;
  return { base: lit(design.colour), motif: lit(motif) };
}

/**
 * A `<pattern>` element with this id, turned by `turnDeg` on top of the picture's own turn; "" for plain cloth.
 * Sizes are in percent of the picture's width: no motif is finer than about 2, so that it survives 64 px.
 */
export function patternElement(
  id: string,
  { design, cloth, variation }: { design: Design; cloth: Cloth; variation: PictureVariation },
  turnDeg: number,
): string {
  if (design.pattern === "solid") return "";
  const { size, motif } = motifs[design.pattern];
  const scale = variation.patternScale * (design.category === "dress" ? 1.2 : 1.35);
  const [shiftX, shiftY] = variation.patternShift;
  const transform = [
    `rotate(${r(variation.patternTurnDeg + turnDeg)})`,
    `translate(${r(shiftX * size)} ${r(shiftY * size)})`,
    `scale(${r(scale)})`,
  ].join("");
  const background = `<rect width="${size}" height="${size}" fill="${toHex(cloth.base)}"/>`;
  return (
    `<pattern id="${id}" patternUnits="userSpaceOnUse" width="${size}" height="${size}" ` +
    `patternTransform="${transform}">${background}${motif(cloth)}</pattern>`
  );
}

interface Motif {
  /** Side of the repeated square. */
  readonly size: number;
  readonly motif: (cloth: Cloth) => string;
}

const motifs: Readonly<Record<Exclude<Design["pattern"], "solid">, Motif>> = {
  stripes: {
    size: 7,
    motif: ({ motif }) => `<rect width="7" height="2.9" fill="${toHex(motif)}"/>`,
  },
  dots: {
    size: 9,
    motif: ({ motif }) =>
      `<g fill="${toHex(motif)}"><circle cx="2.3" cy="2.3" r="2.1"/><circle cx="6.8" cy="6.8" r="2.1"/></g>`,
  },
  plaid: {
    size: 11,
    motif: ({ motif }) => {
      const colour = toHex(motif);
      const bar = (opacity: number): string => `fill="${colour}" fill-opacity="${opacity}"`;
      return (
        `<rect width="11" height="3.4" ${bar(0.5)}/><rect width="3.4" height="11" ${bar(0.5)}/>` +
        `<rect y="6.7" width="11" height="0.9" ${bar(0.85)}/><rect x="6.7" width="0.9" height="11" ${bar(0.85)}/>`
      );
    },
  },
  floral: {
    size: 15,
    motif: ({ base, motif }) => flower(4.6, 4.6, motif, base) + flower(11.8, 12, motif, base),
  },
};

/** Five petals around a red heart, on two broad leaves. */
function flower(x: number, y: number, petal: Rgb, base: Rgb): string {
  const petals = [0, 1, 2, 3, 4]
    .map((i) => {
      const angle = (i * 2 * Math.PI) / 5 - Math.PI / 2;
      return `<circle cx="${r(1.9 * Math.cos(angle))}" cy="${r(1.9 * Math.sin(angle))}" r="1.45"/>`;
    })
    .join("");
  const leaf = luma(base) > 0.3 && luma(base) < 0.7 ? "#123f1c" : "#4f9a3c";
  return (
    `<g transform="translate(${x} ${y})">` +
    `<path d="M0 0Q3.6 -1.4 6 3.4Q1.6 4.6 0 0ZM0 0Q-3.6 1.4 -4.4 -3.4Q-0.6 -3.8 0 0Z" fill="${leaf}"/>` +
    `<g fill="${toHex(petal)}">${petals}</g><circle r="1.5" fill="#d2304a"/></g>`
  );
}
